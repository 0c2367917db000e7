import * as at from "./files.ts";
import { fieldsOf, tested, type Row } from "./row.ts";

const background = at.subagents(
  "in the background: their caller goes on beside them, and the turn is over when they are",
);
const nested = at.subagents("nested: a subagent's subagent has it as its parent, and a conversation of its own");
const usage = at.subagents("usage and cost of each: its own answers alone, at the prices of the session");
const stopped = at.subagents("a stop for one: it ends as stopped, its caller and the others go on");
const alone = at.followedAlone(
  "a conversation is followed alone: by WebSocket, by its address, and by server-sent events",
);

/** Names of subagents, beside those that every recorded session has. */
export const subagentRows: readonly Row[] = [
  ...tested("event field", ["session:subagent:discovered.subagent.parentId"], nested),
  ...tested("field", ["SubagentState.parentId"], nested),
  ...tested("event field", ["session:subagent:discovered.subagent.background"], background),
  ...tested("field", ["SubagentState.background"], background),
  ...tested("event", ["session:subagent:usage"], usage),
  ...tested("event field", fieldsOf("session:subagent:usage", "sessionId subagentId usage costUSD"), usage),
  ...tested("field", fieldsOf("SubagentState", "usage costUSD"), usage),
  ...tested("route", ["POST /sessions/{id}/subagents/{subagentId}/stop"], stopped),
  ...tested("error code", ["subagent_not_found"], stopped),
  ...tested("variant", ["CommandBody:stop-subagent"], stopped),
  ...tested("field", ["StopReport.stopped"], stopped),
  ...tested("parameter", ["GET /sessions/{id}/events query.conversation", "/ws query.conversation"], alone),
  ...tested("field", ["ClientFrame:session:join.data.conversation"], alone),
];
