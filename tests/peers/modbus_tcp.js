// A Modbus TCP device by modbus-serial: the registers of each unit, and what it was asked, byte by byte.
//
// Set-up: port, units {unit: {holding, input, coil, discrete: {number: content}}}. What is not listed is refused as an
// illegal address; a unit that is not listed is one behind a gateway that nobody answers for. Content "busy" is refused
// as such. The event {request} is what came in, in hexadecimal.
"use strict";

const { ServerTCP } = require("modbus-serial");
const { start, tell } = require("./peer");

const ILLEGAL_ADDRESS = 2;
const BUSY = 6;
const NO_RESPONSE_BEHIND_GATEWAY = 11;

const refused = (code) => Object.assign(new Error("refused"), { modbusErrorCode: code });

const looker = (units, table) => (number, unit) => {
  if (!(unit in units)) throw refused(NO_RESPONSE_BEHIND_GATEWAY);
  const content = (units[unit][table] || {})[number];
  if (content === undefined) throw refused(ILLEGAL_ADDRESS);
  if (content === "busy") throw refused(BUSY);
  return content;
};

start(
  ({ port, units }) =>
    new Promise((listening) => {
      const device = {
        getHoldingRegister: looker(units, "holding"),
        getInputRegister: looker(units, "input"),
        getCoil: looker(units, "coil"),
        getDiscreteInput: looker(units, "discrete"),
      };
      const server = new ServerTCP(device, { host: "127.0.0.1", port, unitID: 255 });
      server._server.on("connection", (socket) =>
        socket.on("data", (bytes) => tell({ request: bytes.toString("hex") })),
      );
      server.on("initialized", listening);
    }),
);
