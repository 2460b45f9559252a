// Modbus RTU frames on a TCP connection by jsmodbus, as a serial gateway passes them on.
//
// Set-up: port, holding and input (lists of registers from 0), coils and discrete (hexadecimal, lowest bit first).
// The event {request} is what came in, in hexadecimal.
"use strict";

const net = require("node:net");
const modbus = require("jsmodbus");
const { start, tell } = require("./peer");

const words = (registers) => {
  const buffer = Buffer.alloc(2 * registers.length);
  registers.forEach((word, position) => buffer.writeUInt16BE(word, 2 * position));
  return buffer;
};

start(
  ({ port, holding = [], input = [], coils = "", discrete = "" }) =>
    new Promise((listening) => {
      const contents = {
        holding: words(holding),
        input: words(input),
        coils: Buffer.from(coils, "hex"),
        discrete: Buffer.from(discrete, "hex"),
      };
      net
        .createServer((socket) => {
          socket.on("data", (bytes) => tell({ request: bytes.toString("hex") }));
          socket.on("error", () => socket.destroy());
          new modbus.server.RTU(socket, contents);
        })
        .listen(port, "127.0.0.1", listening);
    }),
);
