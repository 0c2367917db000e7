export { createGateway } from "./gateway.ts";
export { createExternalGateway } from "./external-gateway.ts";
export { serveGateway } from "./gateway-server.ts";
export type { GatewayServer, GatewayServerOptions } from "./gateway-server.ts";
export type { GatewayOptions } from "./gateway.ts";
export { gatewayVariables } from "./cloud-variables.ts";
export { networkOf } from "./network.ts";
export { publicRoute } from "./public-route.ts";
export { credentialsFromEnvironment, secretsFromEnvironment } from "./credentials.ts";
