import { cuts, follower, recordedEvents, resyncs, slowClients, webSocket, steering } from "./files.ts";
import { fieldsOf, tested, valuesOf, type Row, type TestReference } from "./row.ts";

/** An event with its fields; `sessionId` is a field of each. */
function event(names: string, fields: string, test: TestReference): Row[] {
  return names
    .split(" ")
    .flatMap((name) => [
      ...tested("event", [name], test),
      ...tested("event field", fieldsOf(name, `sessionId ${fields}`), test),
    ]);
}

const blocks = recordedEvents("block start, delta, update and complete");
const queue = recordedEvents("session:message:queued, updated and withdrawn");
const turns = recordedEvents("session:turn:started and completed");
const files = recordedEvents("session:file:created, modified and deleted");
const subagents = recordedEvents("session:subagent:discovered and completed");

const events: Row[] = [
  ...event("session:created", "session", recordedEvents("session:created")),
  ...event("session:block:start", "conversationId block", blocks),
  ...event("session:block:delta", "conversationId blockId delta", blocks),
  ...event("session:block:update", "conversationId blockId updates", blocks),
  ...event("session:block:complete", "conversationId blockId block", blocks),
  ...event("session:status", "runtime", recordedEvents("session:status")),
  ...event("session:metadata:update", "metadata", recordedEvents("session:metadata:update")),
  ...event(
    "session:options:update",
    "sessionOptions",
    recordedEvents("session:options:update, and the agent uses them"),
  ),
  ...event("session:file:created session:file:modified", "file", files),
  ...event("session:file:deleted", "path", files),
  ...event("session:subagent:discovered", "subagent subagent.id subagent.name subagent.status", subagents),
  ...event("session:subagent:completed", "subagentId status output", subagents),
  ...event("session:message:queued", "messageId content position", queue),
  ...event("session:message:updated", "messageId content", queue),
  ...event("session:message:withdrawn", "messageId", queue),
  ...tested(
    "event field",
    ["session:message:queued.mode"],
    steering("the running turn takes it after its tool, its block stands there, and the turn's end names both"),
  ),
  ...event(
    "session:message:taken",
    "messageId turnId",
    steering("the running turn takes it after its tool, its block stands there, and the turn's end names both"),
  ),
  ...event("session:turn:started", "turnId messageIds", turns),
  ...event("session:turn:completed", "turnId messageIds status usage costUSD error", turns),
  ...event("error", "code message", recordedEvents("event error")),
];

const resync = webSocket("a cursor that cannot be served is answered with a resync");
const commands = webSocket("message, interrupt, ping, watch");
const join = webSocket("joining again replaces, leaving ends");
const bad = webSocket("%s: an error, and the connection stays");
const frame = recordedEvents("every frame has the session's id, a seq without holes, a time");

const frames: Row[] = [
  ...tested("control frame", ["session:resync"], resync),
  ...tested("control frame field", fieldsOf("session:resync", "sessionId reason lastSeq logId"), resync),
  ...tested("value", valuesOf("ResyncReason", "log_replaced cursor_ahead"), resync),
  ...tested(
    "value",
    valuesOf("ResyncReason", "cursor_too_old"),
    resyncs("over %s the reason is said, and nothing else"),
  ),
  ...tested("control frame", ["pong", "sessions:updated", "sessions:removed"], commands),
  ...tested(
    "control frame field",
    ["sessions:updated.session", "sessions:updated.session.sessionId", "sessions:removed.sessionId"],
    commands,
  ),
  ...tested("control frame", ["error"], bad),
  ...tested("control frame field", fieldsOf("error", "code message"), bad),
  ...tested("variant", ["ClientFrame:session:join", "ClientFrame:session:leave"], join),
  ...tested(
    "field",
    [
      ...fieldsOf("ClientFrame:session:join", "id data data.sessionId data.after"),
      ...fieldsOf("ClientFrame:session:leave", "id data data.sessionId"),
    ],
    join,
  ),
  ...tested("field", ["ClientFrame:session:join.data.logId"], resync),
  ...tested(
    "variant",
    ["ClientFrame:sessions:watch", "ClientFrame:ping", "ClientFrame:session:message", "ClientFrame:session:interrupt"],
    commands,
  ),
  ...tested(
    "field",
    [...fieldsOf("ClientFrame:sessions:watch", "id data"), ...fieldsOf("ClientFrame:ping", "id data")],
    commands,
  ),
  ...tested(
    "field",
    fieldsOf("ClientFrame:session:message", "id data data.sessionId data.content data.messageId data.mode"),
    commands,
  ),
  ...tested("field", fieldsOf("ClientFrame:session:interrupt", "id data data.sessionId"), commands),
  ...tested(
    "field",
    fieldsOf("AckFrame", "ack data data.success data.error data.message"),
    webSocket("an internal fault shows nothing of itself"),
  ),
  ...tested("field", fieldsOf("EventFrame", "event data data.sessionId seq at"), frame),
  ...tested("field", ["EventFrame.from"], follower("frames that cover more than their own seq join without a gap")),
  ...tested(
    "behaviour",
    ["server sends merged deltas with `from`"],
    slowClients("deltas that wait for a slow WebSocket come as fewer frames, which leave no hole and say the same"),
  ),
  ...tested("behaviour", ["server sends compacted ranges with `from`"], cuts),
  ...tested(
    "subprotocol",
    ["agent-runtime.v1", "bearer.<base64url>"],
    webSocket("a key is needed, as a header or, from browsers, as a subprotocol"),
  ),
  ...tested("path", ["/ws", "/ (WebSocket)"], webSocket("other paths are answered 404, or left to whoever listens")),
  ...tested(
    "parameter",
    ["/ws query.sessionId", "/ws query.after", "/ws query.logId"],
    webSocket("a bare client joins by the address"),
  ),
  ...tested(
    "close code",
    ["1003", "1007", "1009"],
    webSocket("binary closes with 1003, too large with 1009, bad UTF-8 with 1007"),
  ),
  ...tested(
    "close code",
    ["1001"],
    webSocket("closing says 1001, cuts off who does not answer, and refuses newcomers"),
  ),
];

export const eventRows: readonly Row[] = [...events, ...frames];
