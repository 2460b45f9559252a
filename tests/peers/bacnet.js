// A BACnet/IP device by @bacnet-js/client.
//
// Set-up: port, device (its instance), objects {"type,instance": {property: [[tag, value], ...]}}, multiple (false: it
// does not know ReadPropertyMultiple), largest (properties in one answer; more is aborted), refused {"type,instance":
// [class, code]} for objects that answer with an error, silent (it answers nothing). Dates are texts as Date reads them.
// The event {request} is the service and the properties that were asked for.
"use strict";

const { default: Device } = require("@bacnet-js/client");
const { start, tell } = require("./peer");

const ALL = 0xffffffff;
const DEVICE = 8;
const OBJECT_IDENTIFIER = 75;
const UNKNOWN_OBJECT = [1, 31];
const UNKNOWN_PROPERTY = [2, 32];
const UNRECOGNIZED_SERVICE = 9;
const SEGMENTATION_NOT_SUPPORTED = 4;
const MULTIPLE = 14;
const SINGLE = 12;

const error = ([errorClass, errorCode]) => [{ type: 105, value: { type: "BacnetError", errorClass, errorCode } }];
const encodable = ([type, value]) => ({ type, value: type === 10 || type === 11 ? new Date(value) : value });

start(
  ({ port, device, objects, multiple = true, largest = 1000, refused = {}, silent = false }) =>
    new Promise((listening) => {
      const server = new Device({ port, interface: "127.0.0.1", reuseAddr: false });
      const contents = { [`${DEVICE},${device}`]: {}, ...objects };

      const look = (objectId, property) => {
        const name = `${objectId.type},${objectId.instance}`;
        if (name in refused) return error(refused[name]);
        if (!(name in contents)) return error(UNKNOWN_OBJECT);
        if (property.id === OBJECT_IDENTIFIER) return [{ type: 12, value: objectId }];
        const told = contents[name][property.id];
        if (told === undefined) return error(UNKNOWN_PROPERTY);
        const values = told.map(encodable);
        if (property.index === ALL) return values;
        return property.index <= values.length ? [values[property.index - 1]] : error([2, 42]);
      };

      // The library has no function for these two.
      const nack = (sender, kind, invokeId, reason) => {
        const message = Buffer.from([0x81, 0x0a, 0, 9, 1, 0, kind, invokeId, reason]);
        server._transport.send(message, message.length, sender.address);
      };

      server.on("readPropertyMultiple", ({ header, invokeId, payload }) => {
        const asked = payload.properties.flatMap((spec) => spec.properties.map((property) => [spec.objectId, property]));
        tell({ request: { service: MULTIPLE, count: asked.length } });
        if (silent) return;
        if (!multiple) return nack(header.sender, 0x60, invokeId, UNRECOGNIZED_SERVICE);
        if (asked.length > largest) return nack(header.sender, 0x71, invokeId, SEGMENTATION_NOT_SUPPORTED);
        const values = payload.properties.map((spec) => ({
          objectId: spec.objectId,
          values: spec.properties.map((property) => ({ property, value: look(spec.objectId, property) })),
        }));
        server.readPropertyMultipleResponse(header.sender, invokeId, values);
      });

      server.on("readProperty", ({ header, invokeId, payload }) => {
        tell({ request: { service: SINGLE, count: 1 } });
        if (silent) return;
        const told = look(payload.objectId, payload.property);
        if (told[0].type === 105) {
          const { errorClass, errorCode } = told[0].value;
          return server.errorResponse(header.sender, SINGLE, invokeId, errorClass, errorCode);
        }
        server.readPropertyResponse(header.sender, invokeId, payload.objectId, payload.property, told);
      });

      server.on("error", (problem) => tell({ problem: String(problem) }));
      server.on("listening", listening);
    }),
);
