import { script, type ScriptStep } from "@hhopkins/agent-runtime-testkit";
import type { SessionState } from "@hhopkins/agent-runtime";
import { memoryPersistence } from "@hhopkins/agent-runtime/persistence/memory";
import { Recorder } from "../recorder.ts";
import { KEY, runningServer, type Answer, type RunningServer } from "../running-server.ts";

const bash = (command: string): NonNullable<ScriptStep["tools"]>[number] => ({
  name: "Bash",
  input: { command, description: "Run" },
});

export const LONG_TEXT = "long ".repeat(4000);
export const LARGE_FILE_BYTES = 70_000;
const PROFILE_TOOLS = ["Read", "Write", "Edit", "Bash", "Agent"];

const FIRST = script([
  {
    thinking: "I think.",
    text: "I say.",
    tools: [{ name: "Write", input: { file_path: "/workspace/made.txt", content: "one\n" } }],
    usage: { input: 1, output: 2, cacheRead: 3, cacheWrite: 4 },
  },
  {
    tools: [
      bash(
        "printf changed > seed/notes.txt; rm data.bin; ln -s made.txt link; mkdir empty; printf '\\377\\376' > odd; exit 3",
      ),
    ],
  },
  { tools: [bash(`head -c ${LARGE_FILE_BYTES} /dev/zero | tr '\\0' a > large.txt`)] },
  {
    tools: [
      {
        name: "Agent",
        input: { description: "Help", subagent_type: "general-purpose", prompt: script([{ text: "Helped." }]) },
      },
    ],
  },
  // Cut well after its first words: a busy client that finds words and the end at once tells the end alone.
  { text: "Unfinished", chunk: 8, delayMs: 700, dropAfter: { deltas: 2, times: 1 } },
]);

/** What a session shows of everything that it can: its frames, its answers, and its state at several moments. */
export interface RecordedSession extends AsyncDisposable {
  readonly server: RunningServer;
  readonly sessionId: string;
  readonly created: Answer;
  readonly sent: Record<string, Answer>;
  readonly recorder: Recorder;
  /** What watchers of the list were told. */
  readonly watcher: Recorder;
  /** While the first turn ran and messages waited. */
  readonly busy: SessionState;
  /** Answers of the list and about the sandbox, while a turn ran, and of a session that nobody has in memory. */
  readonly listed: Readonly<Record<"busy" | "unloaded", Answer>>;
  readonly sandbox: Readonly<Record<"busy" | "unloaded", Answer>>;
  readonly done: SessionState;
  readonly unloaded: SessionState;
}

/** Lives the life of one session on a real sandbox with the real agent. */
export async function recordSession(): Promise<RecordedSession> {
  const profile = { id: "default", name: "Default Agent", description: "For the test.", tools: PROFILE_TOOLS };
  const server = await runningServer({ config: { persistence: memoryPersistence({ profiles: [profile] }) } });
  const created = await server.call("POST", "/sessions/create", {
    agentProfileRef: "default",
    architecture: "claude-agent-sdk",
    sessionOptions: { model: "model-one" },
    defaultWorkspaceFiles: [
      { path: "seed/notes.txt", content: "seed", mode: 0o600 },
      { path: "data.bin", content: "AP8=", encoding: "base64" },
    ],
    name: "Recorded",
    metadata: { mine: true },
  });
  const sessionId = created.json.sessionId as string;
  const watcher = await Recorder.watch(server.wsUrl, KEY);
  const recorder = await Recorder.follow(server.wsUrl, sessionId, KEY);
  const sent: Record<string, Answer> = {};
  const send = async (messageId: string, content: string): Promise<void> => {
    sent[messageId] = await server.send(sessionId, content, { messageId });
  };
  await send("first", FIRST);
  await send("stopped", script([{ text: "word ".repeat(400), delayMs: 20 }]));
  await send("refused", "to be changed");
  await send("withdrawn", "never");
  const messages = `/sessions/${sessionId}/messages`;
  const refusal = script([{ error: { status: 400, message: "no such thing" } }]);
  sent["update"] = await server.call("PATCH", `${messages}/refused`, { content: refusal });
  sent["withdraw"] = await server.call("DELETE", `${messages}/withdrawn`);
  const look = async () => ({
    listed: await server.call("GET", "/sessions"),
    sandbox: await server.call("GET", `/sessions/${sessionId}/sandbox`),
  });
  const busy = await server.state(sessionId);
  await recorder.turnOf("first");
  await recorder.seen("session:block:delta", ({ delta }) => delta.startsWith("word"));
  const busyLook = await look();
  sent["interrupt"] = await server.call("POST", `/sessions/${sessionId}/interrupt`);
  await recorder.turnOf("refused");
  sent["options"] = await server.call("PATCH", `/sessions/${sessionId}/options`, { model: "model-two" });
  await send("last", script([{ text: LONG_TEXT, chunk: 4000 }, { text: "The history is there." }]));
  await recorder.turnOf("last");
  const done = await server.state(sessionId);
  sent["unload"] = await server.call("POST", `/sessions/${sessionId}/unload`);
  const unloaded = await server.state(sessionId);
  const unloadedLook = await look();
  await send("again", "a second sandbox, the same conversation");
  await recorder.turnOf("again");
  return {
    server,
    sessionId,
    created,
    sent,
    recorder,
    watcher,
    busy,
    listed: { busy: busyLook.listed, unloaded: unloadedLook.listed },
    sandbox: { busy: busyLook.sandbox, unloaded: unloadedLook.sandbox },
    done,
    unloaded,
    async [Symbol.asyncDispose]() {
      recorder.close();
      watcher.close();
      await server[Symbol.asyncDispose]();
    },
  };
}
