/**
 * Version of everything in this package: events, frames, REST bodies and the runner wire.
 * `schemas.test.ts` hashes the schemas; a change of shape fails it until this number is raised (or, for an
 * addition that older readers ignore, until the hash is renewed on purpose).
 */
export const PROTOCOL_VERSION = 1;

/** WebSocket subprotocol of the live events. */
export const WEBSOCKET_SUBPROTOCOL = "agent-runtime.v1";
/** Prefix of the subprotocol that carries a browser's token: `bearer.` + base64url(token). */
export const BEARER_SUBPROTOCOL_PREFIX = "bearer.";
/** With this code a WebSocket is closed whose token has ended: the client comes back with another one. */
export const TOKEN_EXPIRED_CLOSE = 4401;
