// An OPC UA server by node-opcua.
//
// Set-up: port, folder (for its certificates), nodes {identifier: {type, value, status, at}} in the namespace
// urn:heatledger:peer; `at` is the time of its source. user and password (without them everybody may come; without
// protection, the password is sent as it is), protected (true: it offers protected connections as well, and trusts every
// certificate), largest (nodes in one Read).
// The event {request} is how many nodes a Read asked for, {session} the name of each session that came or went.
"use strict";

const path = require("node:path");
const { OPCUAServer } = require("node-opcua-server");
const { OPCUACertificateManager } = require("node-opcua-certificate-manager");
const { MessageSecurityMode, SecurityPolicy } = require("node-opcua-secure-channel");
const { UserTokenPolicy, UserTokenType } = require("node-opcua-service-endpoints");
const { DataValue } = require("node-opcua-data-value");
const { StatusCodes } = require("node-opcua-status-code");
const { DataType, Variant, VariantArrayType } = require("node-opcua-variant");
const { start, tell } = require("./peer");

const told = ({ type, value, status = "Good", at }) => {
  const plain = type === "DateTime" ? new Date(value) : value;
  const array = Array.isArray(plain);
  return new DataValue({
    value: new Variant({
      dataType: DataType[type],
      value: plain,
      arrayType: array ? VariantArrayType.Array : VariantArrayType.Scalar,
    }),
    statusCode: StatusCodes[status],
    sourceTimestamp: at ? new Date(at) : new Date(),
  });
};

const offered = (isProtected) => ({
  securityModes: isProtected ? [MessageSecurityMode.None, MessageSecurityMode.SignAndEncrypt] : [MessageSecurityMode.None],
  securityPolicies: isProtected
    ? [
        SecurityPolicy.None,
        SecurityPolicy.Basic256Sha256,
        SecurityPolicy.Aes128_Sha256_RsaOaep,
        SecurityPolicy.Aes256_Sha256_RsaPss,
      ]
    : [SecurityPolicy.None],
});

start(async ({ port, folder, nodes, user, password, protected: isProtected = false, largest = 0 }) => {
  const certificates = new OPCUACertificateManager({
    rootFolder: path.join(folder, "pki"),
    automaticallyAcceptUnknownCertificate: true,
  });
  const server = new OPCUAServer({
    hostname: "127.0.0.1",
    port,
    serverCertificateManager: certificates,
    allowAnonymous: user === undefined,
    userManager: { isValidUser: (name, secret) => name === user && secret === password },
    serverCapabilities: { operationLimits: { maxNodesPerRead: largest } },
    ...offered(isProtected),
  });
  await server.initialize();
  if (user !== undefined && !isProtected) {
    // It then takes the password as it is; the server has no option for that.
    for (const endpoint of server.endpoints.flatMap((one) => one.endpointDescriptions())) {
      endpoint.userIdentityTokens.push(
        new UserTokenPolicy({
          policyId: "username_unsecure",
          tokenType: UserTokenType.UserName,
          securityPolicyUri: SecurityPolicy.None,
        }),
      );
    }
  }
  const space = server.engine.addressSpace;
  const own = space.registerNamespace("urn:heatledger:peer");
  for (const [identifier, content] of Object.entries(nodes)) {
    const variable = own.addVariable({
      organizedBy: space.rootFolder.objects,
      browseName: identifier,
      nodeId: identifier,
      dataType: content.type,
      valueRank: Array.isArray(content.value) ? 1 : -1,
      accessLevel: content.status === "BadNotReadable" ? "CurrentWrite" : "CurrentRead",
      userAccessLevel: content.status === "BadNotReadable" ? "CurrentWrite" : "CurrentRead",
    });
    if (content.status !== "BadNotReadable") variable.bindVariable({ timestamped_get: () => told(content) }, true);
  }
  server.on("session_activated", (session) => tell({ session: "opened", name: session.sessionName }));
  server.on("session_closed", () => tell({ session: "closed" }));
  server.on("request", (request) => {
    if (request.schema.name === "ReadRequest") tell({ request: request.nodesToRead.length });
    else tell({ service: request.schema.name });
  });
  await server.start();
});
