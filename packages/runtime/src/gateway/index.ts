export { createGateway } from "./gateway.ts";
export type { GatewayOptions } from "./gateway.ts";
export { credentialsFromEnvironment } from "./credentials.ts";
