export { createWebSocketTransport, type AttachedWebSocketServer, type WebSocketTransportOptions } from "./transport.ts";
