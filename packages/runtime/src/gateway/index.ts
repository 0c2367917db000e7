export { createGateway } from "./gateway.ts";
export { createExternalGateway } from "./external-gateway.ts";
export { serveGateway } from "./gateway-server.ts";
export type { GatewayServer, GatewayServerOptions } from "./gateway-server.ts";
export type { GatewayOptions } from "./gateway.ts";
export { credentialsFromEnvironment } from "./credentials.ts";
