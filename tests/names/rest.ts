import * as at from "./files.ts";
import { fieldsOf, later, tested, type Row } from "./row.ts";

const created = at.recordedAnswers("answer of create");
const sent = at.recordedAnswers("answer of a message and of commands");
const blocks = at.recordedAnswers("pages of blocks, whole");
const files = at.recordedAnswers("files: list, bytes, links never followed");
const once = at.messages("an Idempotency-Key is one message, also after an unload; with another content it conflicts");
const queue = at.messages("queue in order, can be changed and withdrawn until a turn takes them");
const tail = at.sse("follow=false gives everything after the cursor and ends");
const open = at.rest("open paths need no key");

const routes: Row[] = [
  ...tested("route", ["POST /sessions/create"], created),
  ...tested("route", ["GET /sessions", "GET /agent-profiles"], at.recordedAnswers("list of sessions and of profiles")),
  ...tested(
    "route",
    ["GET /sessions/{id}"],
    at.recordedEvents("the reduced frames are the server's state, byte for byte"),
  ),
  ...tested("route", ["POST /sessions/{id}/message"], sent),
  ...tested("route", ["GET /health", "GET /openapi.json", "GET /docs", "GET /"], open),
  ...tested("route", ["GET /ready"], at.rest("readiness")),
  ...tested("route", ["DELETE /sessions/{id}"], at.lifecycle("a deleted session leaves nothing")),
  ...tested(
    "route",
    ["POST /sessions/{id}/unload"],
    at.lifecycle("after an unload the next message brings files and conversation back in a new sandbox"),
  ),
  ...tested(
    "route",
    ["POST /sessions/{id}/sync"],
    at.sync("a sync resolves when everything in the workspace is saved, however it came there"),
  ),
  ...tested(
    "route",
    ["POST /sessions/{id}/interrupt"],
    at.messages("in the middle of a text: what was said stays, and the session goes on"),
  ),
  ...tested(
    "route",
    ["PATCH /sessions/{id}/options"],
    at.recordedEvents("session:options:update, and the agent uses them"),
  ),
  ...tested(
    "route",
    ["PATCH /sessions/{id}/messages/{messageId}", "DELETE /sessions/{id}/messages/{messageId}"],
    queue,
  ),
  ...tested("route", ["GET /sessions/{id}/blocks"], blocks),
  ...tested("route", ["GET /sessions/{id}/files", "GET /sessions/{id}/files/{path}"], files),
  ...tested("route", ["GET /sessions/{id}/events"], at.sse("live events follow history; leaving ends the follow")),
  ...tested("route", ["/v1/…"], at.rest("%s")),
  ...tested(
    "route",
    ["GET /sessions/{id}/archive"],
    at.archive(
      "a sleeping session's workspace as a zip: bytes, modes, symlinks, empty folders; what was not kept is named in it",
    ),
  ),
];

const parameters: Row[] = [
  ...tested("parameter", ["GET /sessions query.limit", "GET /sessions query.cursor"], at.rest("pages of the list")),
  ...tested(
    "parameter",
    "order type agentProfileReference isLoaded createdFrom createdBefore activeFrom activeBefore"
      .split(" ")
      .map((name) => `GET /sessions query.${name}`),
    at.restList("order and filters of the list"),
  ),
  ...tested("parameter", ["GET /sessions/{id} query.blocks"], at.rest("the last N blocks, and pages of them")),
  ...tested(
    "parameter",
    ["before", "limit", "conversation"].map((name) => `GET /sessions/{id}/blocks query.${name}`),
    blocks,
  ),
  ...tested("parameter", ["GET /sessions/{id}/events query.after", "GET /sessions/{id}/events query.follow"], tail),
  ...tested(
    "parameter",
    ["GET /sessions/{id}/events query.logId"],
    at.sse("a cursor that cannot be served gets a resync without an id"),
  ),
  ...tested("parameter", ["POST /sessions/{id}/message header.idempotency-key"], once),
  ...tested(
    "header",
    ["Authorization: Bearer", "x-api-key"],
    at.auth("a key is good as a bearer and as x-api-key, and no other is"),
  ),
  ...tested("header", ["Last-Event-ID"], tail),
  ...tested("header", ["Retry-After"], at.rest("Retry-After, and codes of the table")),
  ...tested("header", ["Allow"], at.rest("404, 405 with Allow, OPTIONS, HEAD")),
  ...tested("header", ["WWW-Authenticate"], at.rest("everything else does, and says how")),
  ...tested("field", ["SendMessageBody.mode"], at.steering("stops the turn and is next; the others keep their order")),
  ...tested(
    "value",
    ["MessageMode=steer"],
    at.steering("the running turn takes it after its tool, its block stands there, and the turn's end names both"),
  ),
  ...tested("value", ["MessageMode=interrupt"], at.steering("stops the turn and is next; the others keep their order")),
  ...tested(
    "behaviour",
    ["the same messageId or Idempotency-Key is one message, after a kill of the server too"],
    at.messageRestart(
      "twenty at once with %s, into a server that is killed, and twenty more to the next one, are one message",
    ),
  ),
];

const bodies: Row[] = [
  ...tested(
    "field",
    fieldsOf("CreateSessionBody", "agentProfileRef architecture sessionOptions name metadata"),
    created,
  ),
  ...tested(
    "field",
    ["CreateSessionBody.defaultWorkspaceFiles"],
    at.recordedEvents("session:file:created, modified and deleted"),
  ),
  ...tested(
    "field",
    fieldsOf(
      "CreateSessionAnswer",
      "sessionId type agentProfileReference name createdAt lastActivity sessionOptions metadata runtime",
    ),
    created,
  ),
  ...tested(
    "field",
    [
      ...fieldsOf("SendMessageBody", "content messageId"),
      ...fieldsOf("SendMessageAnswer", "success sessionId messageId position"),
    ],
    sent,
  ),
  ...tested("field", ["UpdateMessageBody.content"], queue),
  ...tested("field", fieldsOf("ListSessionsAnswer", "sessions nextCursor"), at.rest("pages of the list")),
  ...tested("field", ["ListProfilesAnswer.profiles"], at.recordedAnswers("list of sessions and of profiles")),
  ...tested("field", ["ListFilesAnswer.files"], files),
  ...tested("field", fieldsOf("BlocksPage", "blocks before"), blocks),
  ...tested(
    "field",
    fieldsOf("Problem", "type title status detail error field issues issues.field issues.message"),
    at.restErrors("a problem document has every field that it may have"),
  ),
];

const code = (names: string, test: Parameters<typeof tested>[2]): Row[] => tested("error code", names.split(" "), test);

const codes: Row[] = [
  ...code("invalid_request", at.rest("unknown and wrong fields are named")),
  ...code("unauthorized", at.rest("everything else does, and says how")),
  ...code(
    "forbidden",
    at.auth("without a key, a function or auth none nothing is served, and the operator is told once"),
  ),
  ...code("session_not_found", at.restErrors("every route about a session that is not there is 404")),
  ...code("not_found method_not_allowed", at.rest("404, 405 with Allow, OPTIONS, HEAD")),
  ...code("file_not_found", files),
  ...code("message_not_found", queue),
  ...code("conflict", once),
  ...code(
    "session_not_loaded",
    at.manager("a session that is not loaded: getSession throws, loadSession loads, ten at once load one"),
  ),
  ...code("payload_too_large", at.rest("the limit counts as it streams, and by content-length")),
  ...code(
    "unknown_profile unknown_architecture",
    at.restErrors("an unknown profile and an unknown architecture are 422, and the known ones are named"),
  ),
  ...later("error code", ["too_many_requests"], "later"),
  ...code("internal", at.rest("an unknown error shows nothing and is logged")),
  ...code("not_supported", at.restErrors("an adapter that cannot delete answers 501, and the session is still there")),
  ...code(
    "missing_dependency",
    at.sandboxFaults("a harness whose package is not there names the command that installs it"),
  ),
  ...code(
    "unavailable",
    at.unverified(
      "a save that cannot be verified ends nothing: the sandbox stays, unhealthy, and the next unload ends it",
    ),
  ),
  ...code(
    "persistence_unavailable",
    at.log("nobody ever sees an event whose append failed, and its number is used again"),
  ),
  ...code("shutting_down", at.manager("after shutdown nothing new is taken")),
  ...code(
    "sandbox_unavailable",
    at.options("sandbox: the given provider is asked, with the deployment's name; its refusal ends the turn"),
  ),
  ...code("sandbox_credentials", at.modal("credentials that Modal refuses: what to check, and never the token")),
  ...code("sandbox_lost", at.death("of the %s: the turn fails as sandbox_lost, the next message starts a new one")),
  ...code("isolation_unavailable", at.refusals("without bubblewrap: the remedy, and never less isolation")),
  ...code("harness_failed", at.death("of the harness: the turn fails, the same sandbox goes on with a new one")),
  ...code(
    "harness_timeout",
    at.runnerLife("answers a start with ${name} by ${code}, and is there for the next command"),
  ),
  ...code(
    "model_auth_failed",
    at.driver("a wrong credential fails the turn at once, and an interrupt can carry a failure"),
  ),
  ...code(
    "model_rate_limited model_refused",
    at.driver("what the model's API answers becomes one error block, or is survived"),
  ),
  ...code("model_overloaded model_failed", at.failures("what the model's API answers has a code, and a remedy")),
  ...code("model_unreachable", at.failures("a model that does not answer at all is unreachable")),
  ...code(
    "turn_timeout",
    at.stuck("turnTimeoutMs: a turn over it fails as turn_timeout with a remedy, and the session goes on"),
  ),
  ...code("turn_limit", at.failures("a turn that reached a limit says which, and is no failure of the harness")),
  ...code("protocol_error", at.link("refuses ${name}, and a better server is served afterwards")),
  ...code(
    "stale_fence",
    at.link("keeps the highest fence, over a restart too: lower attaches and commands are refused"),
  ),
  ...code("sequence_conflict", at.log("a log that another writer appended to refuses with sequence_conflict")),
  ...code(
    "port_in_use data_dir_unusable",
    at.server("a taken port and a taken data directory are said, and nothing stays open"),
  ),
  ...code("invalid_configuration", at.options("an option that is none, or of the wrong kind, is refused by name")),
];

const limits: Row[] = [
  ...tested("limit", ["bodyBytes"], at.rest("the limit counts as it streams, and by content-length")),
  ...tested("limit", ["messageBytes"], at.rest("a message has a limit of its own, in bytes")),
  ...tested("limit", ["frameBytes"], at.webSocket("binary closes with 1003, too large with 1009, bad UTF-8 with 1007")),
  ...tested("limit", ["messageId and Idempotency-Key: 1–128 of A-Z a-z 0-9 _ -"], at.rest("bad ids are refused")),
  ...tested("limit", ["pages: 500"], at.rest("unknown and wrong fields are named")),
  ...tested("limit", ["state.blocks"], at.reducer("keeps the newest 500 blocks and says where older ones are")),
  ...tested("limit", ["state.conversation"], at.reducer("keeps at most 256 KB of blocks")),
  ...tested("limit", ["state.content"], at.reducer("cuts a long content, never through a character, and says so")),
  ...tested(
    "limit",
    ["state.files"],
    at.eachBlock("beyond the bound the files that were changed longest ago keep everything but their content"),
  ),
  ...tested(
    "limit",
    ["state.subagents"],
    at.eachBlock("beyond the bound the subagents that ended first are forgotten, and none that runs"),
  ),
  ...tested(
    "limit",
    ["a file's content in its event: 64 KB"],
    at.recordedEvents("session:file:created, modified and deleted"),
  ),
  ...tested("limit", ["512 processes a sandbox"], at.localLimits("processes: 512 where nobody says otherwise")),
];

export const restRows: readonly Row[] = [...routes, ...parameters, ...bodies, ...codes, ...limits];
