// What every peer does: it reads its set-up from the first line of its input, tells each event as a line of JSON,
// and ends when its input does, so that none outlives the tests.
"use strict";

const readline = require("node:readline");

const tell = (event) => process.stdout.write(JSON.stringify(event) + "\n");

const start = (serve) => {
  const lines = readline.createInterface({ input: process.stdin });
  lines.once("line", async (line) => {
    await serve(JSON.parse(line));
    tell({ ready: true });
  });
  lines.once("close", () => process.exit(0));
};

module.exports = { start, tell };
