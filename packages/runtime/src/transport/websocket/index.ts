export {
  createWebSocketTransport,
  type AttachedWebSocketServer,
  type WebSocketTransport,
  type WebSocketTransportOptions,
} from "./transport.ts";
