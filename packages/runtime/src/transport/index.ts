export { createNodeHandler, type NodeHandler } from "./node-handler.ts";
export { createRestApp, type RestAppOptions } from "./rest/app.ts";
export type { TransportLog } from "./transport-log.ts";
export * from "./websocket/index.ts";
