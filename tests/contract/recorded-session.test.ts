import { reduceAll, initialState, type ConversationBlock, type EventType, type SessionEvent } from "@hhopkins/agent-runtime";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LARGE_FILE_BYTES, LONG_TEXT, recordSession, type RecordedSession } from "./recorded-session.ts";

// One session that does everything, and what must be seen of it. Each test names what it holds in the ledger of names.

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string;
const HASH = expect.stringMatching(/^[0-9a-f]{64}$/) as string;
const TEXT = expect.any(String) as string;
const NUMBER = expect.any(Number) as number;
const NO_TOKENS = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, thinkingTokens: 0, totalTokens: 0 };

let one: RecordedSession;

beforeAll(async () => {
  one = await recordSession();
});

afterAll(async () => {
  await one?.[Symbol.asyncDispose]();
});

/** Every block of a type that was completed, in order. */
function completed<T extends ConversationBlock["type"]>(type: T): Extract<ConversationBlock, { type: T }>[] {
  return one.recorder
    .of("session:block:complete")
    .flatMap(({ data }) => (data.block.type === type ? [data.block as Extract<ConversationBlock, { type: T }>] : []));
}

function data<T extends EventType>(type: T) {
  return one.recorder.of(type).map((event) => event.data);
}

describe("answers", () => {
  test("answer of create", () => {
    expect(one.created.status).toBe(201);
    expect(one.created.json).toEqual({
      sessionId: TEXT,
      type: "claude-agent-sdk",
      agentProfileReference: "default",
      name: "Recorded",
      createdAt: TIME,
      lastActivity: TIME,
      sessionOptions: { model: "model-one" },
      metadata: { mine: true },
      runtime: { isLoaded: false, sandbox: null },
    });
  });

  test("answer of a message and of commands", () => {
    const { sessionId } = one;
    expect(one.sent["first"]?.status).toBe(202);
    expect(one.sent["first"]?.json).toEqual({ success: true, sessionId, messageId: "first" });
    expect(one.sent["refused"]?.json).toEqual({ success: true, sessionId, messageId: "refused", position: 2 });
    for (const name of ["update", "withdraw", "interrupt", "options", "unload"]) expect([name, one.sent[name]?.status]).toEqual([name, 204]);
  });

  test("list of sessions and of profiles", async () => {
    const { json } = await one.server.call("GET", "/sessions");
    expect(json).toEqual({
      sessions: [
        {
          sessionId: one.sessionId,
          type: "claude-agent-sdk",
          agentProfileReference: "default",
          name: "Recorded",
          createdAt: TIME,
          lastActivity: TIME,
          sessionOptions: { model: "model-two" },
          metadata: { mine: true },
          runtime: expect.objectContaining({ isLoaded: true }) as object,
        },
      ],
    });
    const profiles = await one.server.call("GET", "/agent-profiles");
    expect(profiles.json).toEqual({ profiles: [{ id: "default", name: "Default Agent", description: "For the test." }] });
  });

  test("pages of blocks, whole", async () => {
    const base = `/sessions/${one.sessionId}/blocks`;
    const last = (await one.server.call("GET", `${base}?limit=2`)).json;
    expect(last.blocks).toHaveLength(2);
    const earlier = (await one.server.call("GET", `${base}?limit=500&before=${last.before}`)).json;
    expect(earlier).not.toHaveProperty("before");
    const blocks = [...earlier.blocks, ...last.blocks] as ConversationBlock[];
    expect(blocks.map(({ id }) => id)).toEqual((await one.server.state(one.sessionId)).blocks.map(({ id }) => id));
    expect(blocks.find((block) => block.type === "assistant_text" && block.content === LONG_TEXT)).toBeDefined();
    const { subagents } = one.done;
    const help = (await one.server.call("GET", `${base}?conversation=${subagents[0]?.id}`)).json;
    expect(help.blocks).toEqual(subagents[0]?.blocks);
  });

  test("files: list, bytes, links never followed", async () => {
    const base = `/sessions/${one.sessionId}/files`;
    const { files } = (await one.server.call("GET", base)).json as { files: { path: string }[] };
    const byPath = Object.fromEntries(files.map((file) => [file.path, file]));
    expect(Object.keys(byPath).toSorted()).toEqual(["empty", "large.txt", "link", "made.txt", "odd", "seed/notes.txt"]);
    expect(byPath["made.txt"]).toMatchObject({ path: "made.txt", type: "file", size: 4, sha256: HASH, mode: NUMBER, modifiedAt: TIME });
    expect(byPath["link"]).toMatchObject({ type: "symlink", target: "made.txt" });
    expect(byPath["empty"]).toMatchObject({ type: "directory" });
    expect((await one.server.call("GET", `${base}/made.txt`)).json).toBe("one\n");
    expect((await one.server.call("GET", `${base}/large.txt`)).json).toBe("a".repeat(LARGE_FILE_BYTES));
    expect((await one.server.call("GET", `${base}/nothing`)).json).toMatchObject({ status: 404, error: "file_not_found" });
  });
});

describe("blocks", () => {
  test("block user_message", () => {
    expect(completed("user_message")[0]).toEqual({ type: "user_message", id: "first", timestamp: TIME, content: TEXT });
    expect(one.done.blocks.filter(({ type }) => type === "user_message").map(({ id }) => id)).toEqual(["first", "stopped", "refused", "last"]);
  });

  test("block assistant_text and thinking", () => {
    expect(completed("thinking")[0]).toEqual({ type: "thinking", id: TEXT, timestamp: TIME, content: "I think." });
    expect(completed("assistant_text")[0]).toEqual({ type: "assistant_text", id: TEXT, timestamp: TIME, content: "I say." });
  });

  test("block tool_use", () => {
    const [write] = completed("tool_use");
    const input = { file_path: "/workspace/made.txt", content: "one\n" };
    expect(write).toMatchObject({ type: "tool_use", id: TEXT, timestamp: TIME, toolName: "Write", toolUseId: TEXT, input });
    const pieces = data("session:block:delta").filter(({ blockId }) => blockId === write?.id);
    expect(JSON.parse(pieces.map(({ delta }) => delta).join(""))).toEqual(input);
    const partial = statesUntil((event) => event.seq === lastSeqOf("session:block:delta", write?.id ?? ""));
    expect(partial.blocks.find(({ id }) => id === write?.id)).toMatchObject({ status: "pending", partialInput: JSON.stringify(input) });
    expect(write?.status).toBe("running");
    expect(write).not.toHaveProperty("partialInput");
    expect(one.done.blocks.find(({ id }) => id === write?.id)).toEqual({ ...write, status: "success" });
    expect(one.done.blocks.find((block) => block.type === "tool_use" && block.status === "error")).toMatchObject({ toolName: "Bash" });
  });

  test("block tool_result", () => {
    const uses = completed("tool_use");
    const [written, failed] = completed("tool_result");
    expect(written).toEqual({ type: "tool_result", id: TEXT, timestamp: TIME, toolUseId: uses[0]?.toolUseId, content: TEXT, isError: false, durationMs: NUMBER });
    expect(failed).toMatchObject({ toolUseId: uses[1]?.toolUseId, isError: true, content: expect.stringContaining("3") as string });
  });

  test("block system", () => {
    expect(completed("system").map(({ subtype }) => subtype)).toEqual(expect.arrayContaining(["api_retry", "interrupted"]));
    expect(completed("system")[0]).toEqual({ type: "system", id: TEXT, timestamp: TIME, content: TEXT, subtype: TEXT });
  });

  test("block subagent", () => {
    const [block] = completed("subagent");
    const [subagent] = one.done.subagents;
    expect(block).toMatchObject({ id: TEXT, timestamp: TIME, subagentId: subagent?.id, name: "general-purpose", status: "completed", input: TEXT });
    expect(block?.output).toContain("Helped.");
    const started = data("session:block:start").find((start) => start.block.type === "subagent");
    expect(started?.block).toMatchObject({ status: "running" });
  });

  test("block error", () => {
    expect(completed("error")).toEqual([{ type: "error", id: TEXT, timestamp: TIME, message: TEXT, code: "model_refused" }]);
  });

  test("retracted ones are taken back out of the state", () => {
    const retracted = data("session:block:complete").filter(({ block }) => block.retracted === true);
    expect(retracted.map(({ block }) => block.type)).toEqual(["assistant_text"]);
    expect(one.done.blocks.some(({ id }) => id === retracted[0]?.blockId)).toBe(false);
  });

  test("a long content is cut in the state and marked truncated", () => {
    const shown = one.done.blocks.find((block) => block.type === "assistant_text" && block.content.startsWith("long"));
    expect(shown).toMatchObject({ truncated: true, content: LONG_TEXT.slice(0, 16 * 1024) });
  });
});

describe("events", () => {
  test("every frame has the session's id, a seq without holes, a time", () => {
    const logged = one.recorder.frames.filter(({ seq }) => seq !== undefined);
    expect(logged.map(({ seq }) => seq)).toEqual(logged.map((_, index) => index + 1));
    for (const { at, data: payload } of logged) expect([at, payload["sessionId"]]).toEqual([TIME, one.sessionId]);
    expect(logged.length).toBe(one.recorder.frames.length - 1);
  });

  test("the reduced frames are the server's state, byte for byte", async () => {
    const state = await one.server.state(one.sessionId);
    expect(JSON.stringify(statesUntil((event) => event.seq === state.lastSeq, state.logId))).toBe(JSON.stringify(state));
  });

  test("session:created", () => {
    const { runtime: _runtime, lastActivity: _lastActivity, ...session } = one.created.json;
    expect(data("session:created")).toEqual([{ sessionId: one.sessionId, session }]);
  });

  test("block start, delta, update and complete", () => {
    const text = completed("assistant_text")[0];
    const place = { sessionId: one.sessionId, conversationId: "main" };
    expect(data("session:block:start").find(({ block }) => block.id === text?.id)).toEqual({ ...place, block: { ...text, content: "" } });
    const deltas = data("session:block:delta").filter(({ blockId }) => blockId === text?.id);
    expect(deltas).toEqual([{ ...place, blockId: text?.id, delta: "I say." }]);
    expect(data("session:block:complete").find(({ blockId }) => blockId === text?.id)).toEqual({ ...place, blockId: text?.id, block: text });
    const write = completed("tool_use")[0];
    const updates = data("session:block:update").filter(({ blockId }) => blockId === write?.id);
    expect(updates.at(-1)).toEqual({ ...place, blockId: write?.id, updates: { status: "success" } });
  });

  test("a block begins before its deltas and ends after them, once", () => {
    const ended = new Set<string>();
    for (const { data: payload } of one.recorder.of("session:block:complete")) {
      expect([...ended]).not.toContain(payload.blockId);
      ended.add(payload.blockId);
    }
    expect(data("session:block:start").map(({ block }) => block.id).toSorted()).toEqual([...ended].toSorted());
  });

  test("session:status", () => {
    const seen = data("session:status").map(({ runtime }) => [runtime.isLoaded, runtime.sandbox?.status ?? null, runtime.sandbox?.restartCount ?? 0]);
    const changes = seen.filter((entry, index) => JSON.stringify(entry) !== JSON.stringify(seen[index - 1]));
    expect(changes.filter(([, status]) => status !== null)).toEqual([
      [true, "starting", 0],
      [true, "ready", 0],
      [false, "terminated", 0],
      expect.anything() as unknown,
      [true, "ready", 1],
    ]);
    expect(one.done.runtime).toEqual({
      isLoaded: true,
      sandbox: { sandboxId: TEXT, status: "ready", restartCount: 0, lastHealthCheck: TIME },
    });
    expect(one.unloaded.runtime).toMatchObject({ isLoaded: false, sandbox: { status: "terminated", statusMessage: TEXT } });
  });

  test("session:metadata:update", () => {
    const totals = data("session:metadata:update").map(({ metadata }) => metadata);
    const first = totals.find(({ usage }) => usage.outputTokens > 0);
    expect(Object.keys(first?.usage ?? {}).toSorted()).toEqual(Object.keys(NO_TOKENS).toSorted());
    const { usage, costUSD, model } = one.done.sessionMetadata;
    expect(usage.cacheReadTokens).toBeGreaterThanOrEqual(3);
    expect(usage.cacheWriteTokens).toBeGreaterThanOrEqual(4);
    expect(usage.totalTokens).toBe(usage.inputTokens + usage.outputTokens + usage.cacheReadTokens + usage.cacheWriteTokens);
    expect(usage.thinkingTokens).toEqual(NUMBER);
    expect(costUSD).toBeGreaterThan(0);
    expect(model).toEqual(TEXT);
  });

  test("session:options:update, and the agent uses them", () => {
    expect(data("session:options:update")).toEqual([{ sessionId: one.sessionId, sessionOptions: { model: "model-two" } }]);
    expect(one.server.model.requests.map(({ model }) => model)).toEqual(expect.arrayContaining(["model-one", "model-two"]));
    expect(one.done.sessionOptions).toEqual({ model: "model-two" });
  });

  test("session:file:created, modified and deleted", () => {
    const created = Object.fromEntries(data("session:file:created").map(({ file }) => [file.path, file]));
    expect(created["seed/notes.txt"]).toEqual({
      path: "seed/notes.txt",
      type: "file",
      mode: 0o600,
      size: 4,
      sha256: HASH,
      createdAt: TIME,
      modifiedAt: TIME,
      content: "seed",
      encoding: "utf8",
    });
    expect(created["data.bin"]).toMatchObject({ size: 2, truncated: true, sha256: HASH });
    expect(created["made.txt"]).toMatchObject({ content: "one\n" });
    expect(created["link"]).toMatchObject({ type: "symlink", target: "made.txt" });
    expect(created["large.txt"]).toMatchObject({ size: LARGE_FILE_BYTES, truncated: true });
    expect(created["large.txt"]).not.toHaveProperty("content");
    expect(created["odd"]).toMatchObject({ size: 2, truncated: true });
    expect(data("session:file:modified").map(({ file }) => [file.path, file.content, file.mode])).toContainEqual(["seed/notes.txt", "changed", 0o600]);
    expect(data("session:file:deleted")).toEqual([{ sessionId: one.sessionId, path: "data.bin" }]);
  });

  test("session:subagent:discovered and completed", () => {
    const [subagent] = one.done.subagents;
    const { id, name } = subagent ?? {};
    expect(data("session:subagent:discovered")).toEqual([{ sessionId: one.sessionId, subagent: { id, name, status: "running" } }]);
    expect(data("session:subagent:completed")).toEqual([
      { sessionId: one.sessionId, subagentId: id, status: "completed", output: expect.stringContaining("Helped.") as string },
    ]);
    const spoken = data("session:block:complete").filter(({ conversationId }) => conversationId === id);
    expect(spoken.map(({ block }) => block.type)).toEqual(["user_message", "assistant_text"]);
  });

  test("session:message:queued, updated and withdrawn", () => {
    const queued = data("session:message:queued");
    expect(queued[0]).toEqual({ sessionId: one.sessionId, messageId: "first", content: TEXT });
    expect(queued[2]).toEqual({ sessionId: one.sessionId, messageId: "refused", content: "to be changed", position: 2 });
    expect(data("session:message:updated")).toEqual([{ sessionId: one.sessionId, messageId: "refused", content: TEXT }]);
    expect(data("session:message:withdrawn")).toEqual([{ sessionId: one.sessionId, messageId: "withdrawn" }]);
    expect(data("session:turn:started").flatMap(({ messageIds }) => messageIds)).toEqual(["first", "stopped", "refused", "last", "again"]);
  });

  test("session:turn:started and completed", () => {
    const started = data("session:turn:started");
    const ended = data("session:turn:completed");
    expect(ended.map(({ turnId, messageIds }) => ({ turnId, messageIds }))).toEqual(started.map(({ turnId, messageIds }) => ({ turnId, messageIds })));
    expect(ended.map(({ status }) => status)).toEqual(["completed", "interrupted", "failed", "completed", "completed"]);
    expect(ended[0]).toMatchObject({ usage: { outputTokens: NUMBER, totalTokens: NUMBER }, costUSD: NUMBER });
    expect(ended[0]?.usage.totalTokens).toBeGreaterThan(0);
    expect(ended[0]).not.toHaveProperty("error");
    expect(ended[2]?.error).toEqual({ code: "model_refused", message: expect.stringContaining("no such thing") as string });
  });

  test("event error", () => {
    expect(data("error")).toEqual([{ sessionId: one.sessionId, code: "model_refused", message: TEXT }]);
  });
});

describe("state", () => {
  test("while a turn runs: turn and queue", () => {
    expect(one.busy.turn).toEqual({ turnId: TEXT, messageIds: ["first"], startedAt: TIME });
    expect(one.busy.queue.map(({ messageId }) => messageId)).toEqual(["stopped", "refused"]);
    expect(one.busy.queue[1]).toEqual({ messageId: "refused", content: expect.stringContaining("no such thing") as string, queuedAt: TIME });
  });

  test("when it is over", () => {
    expect(one.done).toMatchObject({
      sessionId: one.sessionId,
      type: "claude-agent-sdk",
      agentProfileReference: "default",
      name: "Recorded",
      metadata: { mine: true },
      createdAt: TIME,
      lastActivity: TIME,
      queue: [],
      asks: [],
      turn: null,
      streamingBlockIds: [],
      logId: TEXT,
      lastSeq: NUMBER,
    });
    expect(one.done.subagents).toEqual([
      { id: TEXT, name: "general-purpose", status: "completed", output: expect.stringContaining("Helped.") as string, blocks: expect.any(Array) as [] },
    ]);
    expect(one.done.workspaceFiles.map(({ path }) => path).toSorted()).toEqual(["empty", "large.txt", "link", "made.txt", "odd", "seed/notes.txt"]);
  });

  test("streamingBlockIds names the blocks that are open", () => {
    const [text] = completed("assistant_text");
    const open = statesUntil((event) => event.type === "session:block:delta" && event.data.blockId === text?.id);
    expect(open.streamingBlockIds).toContain(text?.id);
  });

  test("a second sandbox goes on with the conversation and the files", () => {
    const said = completed("assistant_text").map(({ content }) => content);
    expect(said.at(-1)).toBe("The history is there.");
  });
});

/** The client's state right after the first event that `ends` it. */
function statesUntil(ends: (event: SessionEvent) => boolean, logId = "log") {
  const events: SessionEvent[] = [];
  for (const frame of one.recorder.frames) {
    if (frame.seq === undefined) continue;
    const event = { type: frame.event, seq: frame.seq, at: frame.at, data: frame.data } as unknown as SessionEvent;
    events.push(event);
    if (ends(event)) break;
  }
  return reduceAll(initialState(one.sessionId, logId), events);
}

function lastSeqOf(type: EventType, blockId: string): number {
  const found = one.recorder.of(type).filter((event) => (event.data as { blockId?: string }).blockId === blockId);
  return found.at(-1)?.seq ?? 0;
}
