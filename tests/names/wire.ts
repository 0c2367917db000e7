import * as at from "./files.ts";
import { tested, type Row } from "./row.ts";

const again = at.recordedState("a second sandbox goes on with the conversation and the files");
const blocks = at.recordedEvents("block start, delta, update and complete");
const subagents = at.recordedEvents("session:subagent:discovered and completed");
const files = at.recordedEvents("session:file:created, modified and deleted");
const taken = at.link("says hello, sends what was not acknowledged, then what comes");
const once = at.runner("takes each command once: duplicates get the first reply, from another connection too");
const steered = at.steering(
  "the running turn takes it after its tool, its block stands there, and the turn's end names both",
);
const changed = at.steering("it can be changed and withdrawn until the turn takes it, and not afterwards");
const variants = (of: string, names: string, test: Parameters<typeof tested>[2]): Row[] =>
  tested(
    "variant",
    names.split(" ").map((name) => `${of}:${name}`),
    test,
  );

/** What server and runner say to each other. Its schemas are hashed; here each kind has a test of what it is for. */
export const wireRows: readonly Row[] = [
  ...variants("EntryBody", "block:start block:delta block:update block:complete", blocks),
  ...variants("EntryBody", "subagent:discovered subagent:completed", subagents),
  ...variants(
    "EntryBody",
    "subagent:usage",
    at.subagents("usage and cost of each: its own answers alone, at the prices of the session"),
  ),
  ...variants("EntryBody", "blob file:changed file:deleted", files),
  ...variants("EntryBody", "transcript harness:ready", again),
  ...variants("EntryBody", "usage", at.recordedEvents("session:metadata:update")),
  ...variants("EntryBody", "message:taken", steered),
  ...variants("CommandBody", "steer", steered),
  ...variants("CommandBody", "unsteer", changed),
  ...tested("field", ["UnsteerReport.taken"], changed),
  ...variants("EntryBody", "turn:ended", at.recordedEvents("session:turn:started and completed")),
  ...variants("CommandBody", "file:put transcript:put start message", again),
  ...variants("CommandBody", "interrupt", at.recordedEvents("session:turn:started and completed")),
  ...variants("CommandBody", "options", at.recordedEvents("session:options:update, and the agent uses them")),
  ...variants(
    "CommandBody",
    "sync",
    at.sync("a sync resolves when everything in the workspace is saved, however it came there"),
  ),
  ...variants(
    "CommandBody",
    "resend list",
    at.savedContent("an unload ends nothing and says why; when the store is right again what is wrong is sent again"),
  ),
  ...tested(
    "field",
    ["FileList.files", "FileList.more"],
    at.resend("the list comes in pages, by path, and each path once"),
  ),
  ...variants(
    "CommandBody",
    "prepare-end",
    at.runnerLife(
      "prepares its end: harness ended, workspace told, no turn taken any more; who connects learns it, and is told again",
    ),
  ),
  ...variants("RunnerFrame", "hello entry pong", taken),
  ...variants("RunnerFrame", "reply", once),
  ...variants(
    "RunnerFrame",
    "refused",
    at.link("keeps the highest fence, over a restart too: lower attaches and commands are refused"),
  ),
  ...variants("ToRunnerFrame", "attach ack ping", taken),
  ...variants("ToRunnerFrame", "command", once),
  ...tested(
    "runner variable",
    ["WORKSPACE", "HOME", "STATE", "SOCKETS", "PACKAGES", "GENERATION", "MODEL_TOKEN"].map(
      (name) => `AGENT_RUNTIME_${name}`,
    ),
    again,
  ),
  ...tested("runner variable", ["AGENT_RUNTIME_ALONE_MS"], at.runnerMain("ends with 0 when it was alone for too long")),
  ...tested(
    "runner variable",
    ["AGENT_RUNTIME_START_DEADLINE_MS"],
    at.runnerLife("ends a harness that was ready only after its deadline"),
  ),
  ...tested(
    "runner variable",
    ["AGENT_RUNTIME_JOURNAL_BYTES"],
    at.runner("pauses the harness when the journal is full, and loses nothing"),
  ),
];
