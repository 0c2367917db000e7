import { describe, expect, test } from "vitest";
import { HASH, NUMBER, TEXT, TIME, completed, data, one, stateUntil } from "./one.ts";
import { LARGE_FILE_BYTES } from "./record.ts";

const NO_TOKENS = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  thinkingTokens: 0,
  totalTokens: 0,
};

describe("events", () => {
  test("every frame has the session's id, a seq without holes, a time", () => {
    const logged = one.recorder.frames.filter(({ seq }) => seq !== undefined);
    expect(logged.map(({ seq }) => seq)).toEqual(logged.map((_, index) => index + 1));
    for (const { at, data: payload } of logged) expect([at, payload["sessionId"]]).toEqual([TIME, one.sessionId]);
    expect(logged.length).toBe(one.recorder.frames.length - 1);
  });

  test("the reduced frames are the server's state, byte for byte", async () => {
    const state = await one.server.state(one.sessionId);
    expect(JSON.stringify(stateUntil((event) => event.seq === state.lastSeq, state.logId))).toBe(JSON.stringify(state));
  });

  test("session:created", () => {
    const { runtime: _runtime, lastActivity: _lastActivity, ...session } = one.created.json;
    expect(data("session:created")).toEqual([{ sessionId: one.sessionId, session, profileVersion: HASH }]);
  });

  test("block start, delta, update and complete", () => {
    const text = completed("assistant_text")[0];
    const place = { sessionId: one.sessionId, conversationId: "main" };
    expect(data("session:block:start").find(({ block }) => block.id === text?.id)).toEqual({
      ...place,
      block: { ...text, content: "" },
    });
    const deltas = data("session:block:delta").filter(({ blockId }) => blockId === text?.id);
    expect(deltas).toEqual([{ ...place, blockId: text?.id, delta: "I say." }]);
    expect(data("session:block:complete").find(({ blockId }) => blockId === text?.id)).toEqual({
      ...place,
      blockId: text?.id,
      block: text,
    });
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
    expect(
      data("session:block:start")
        .map(({ block }) => block.id)
        .toSorted(),
    ).toEqual([...ended].toSorted());
  });

  test("session:status", () => {
    const seen = data("session:status").map(({ runtime }) => [
      runtime.isLoaded,
      runtime.sandbox?.status ?? null,
      runtime.sandbox?.restartCount ?? 0,
    ]);
    const changes = seen.filter((entry, index) => JSON.stringify(entry) !== JSON.stringify(seen[index - 1]));
    expect(changes.filter(([, status]) => status !== null)).toEqual([
      [true, "starting", 0],
      [true, "ready", 0],
      [false, "terminated", 0],
      [true, "terminated", 0],
      [true, "starting", 1],
      [true, "ready", 1],
    ]);
    expect(one.done.runtime).toEqual({
      isLoaded: true,
      sandbox: { sandboxId: TEXT, status: "ready", restartCount: 0, lastHealthCheck: TIME },
    });
    expect(one.unloaded.runtime).toMatchObject({
      isLoaded: false,
      sandbox: { status: "terminated", statusMessage: TEXT },
    });
  });

  test("session:metadata:update", () => {
    const totals = data("session:metadata:update").map(({ metadata }) => metadata);
    const first = totals.find(({ usage }) => usage.outputTokens > 0);
    expect(Object.keys(first?.usage ?? {}).toSorted()).toEqual(Object.keys(NO_TOKENS).toSorted());
    const { usage, costUSD, model } = one.done.sessionMetadata;
    expect(usage.cacheReadTokens).toBeGreaterThanOrEqual(3);
    expect(usage.cacheWriteTokens).toBeGreaterThanOrEqual(4);
    expect(usage.totalTokens).toBe(
      usage.inputTokens + usage.outputTokens + usage.cacheReadTokens + usage.cacheWriteTokens,
    );
    expect(usage.thinkingTokens).toEqual(NUMBER);
    expect(costUSD).toBeGreaterThan(0);
    expect(model).toEqual(TEXT);
  });

  test("session:options:update, and the agent uses them", () => {
    expect(data("session:options:update")).toEqual([
      { sessionId: one.sessionId, sessionOptions: { model: "model-two" } },
    ]);
    expect(one.server.model.requests.map(({ model }) => model)).toEqual(
      expect.arrayContaining(["model-one", "model-two"]),
    );
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
    // A shell creates a file before it writes: what was in it then may be told first.
    const written = { ...created };
    for (const { file } of data("session:file:modified")) written[file.path] = file;
    expect(Object.keys(created)).toEqual(expect.arrayContaining(["large.txt", "odd"]));
    expect(written["large.txt"]).toMatchObject({ size: LARGE_FILE_BYTES, truncated: true });
    expect(written["large.txt"]).not.toHaveProperty("content");
    expect(written["odd"]).toMatchObject({ size: 2, truncated: true });
    expect(data("session:file:modified").map(({ file }) => [file.path, file.content, file.mode])).toContainEqual([
      "seed/notes.txt",
      "changed",
      0o600,
    ]);
    expect(data("session:file:deleted")).toEqual([{ sessionId: one.sessionId, path: "data.bin" }]);
  });

  test("session:subagent:discovered and completed", () => {
    const [subagent] = one.done.subagents;
    const { id, name } = subagent ?? {};
    expect(data("session:subagent:discovered")).toEqual([
      { sessionId: one.sessionId, subagent: { id, name, status: "running", parentId: "main" } },
    ]);
    expect(data("session:subagent:completed")).toEqual([
      {
        sessionId: one.sessionId,
        subagentId: id,
        status: "completed",
        output: expect.stringContaining("Helped.") as string,
      },
    ]);
    const spoken = data("session:block:complete").filter(({ conversationId }) => conversationId === id);
    expect(spoken.map(({ block }) => block.type)).toEqual(["user_message", "assistant_text"]);
  });

  test("session:message:queued, updated and withdrawn", () => {
    const queued = data("session:message:queued");
    expect(queued[0]).toEqual({ sessionId: one.sessionId, messageId: "first", content: TEXT });
    expect(queued[2]).toEqual({
      sessionId: one.sessionId,
      messageId: "refused",
      content: "to be changed",
      position: 2,
    });
    expect(data("session:message:updated")).toEqual([
      { sessionId: one.sessionId, messageId: "refused", content: TEXT },
    ]);
    expect(data("session:message:withdrawn")).toEqual([{ sessionId: one.sessionId, messageId: "withdrawn" }]);
    expect(data("session:turn:started").flatMap(({ messageIds }) => messageIds)).toEqual([
      "first",
      "stopped",
      "refused",
      "last",
      "again",
    ]);
  });

  test("session:turn:started and completed", () => {
    const started = data("session:turn:started");
    const ended = data("session:turn:completed");
    expect(ended.map(({ turnId, messageIds }) => ({ turnId, messageIds }))).toEqual(
      started.map(({ turnId, messageIds }) => ({ turnId, messageIds })),
    );
    expect(ended.map(({ status }) => status)).toEqual(["completed", "interrupted", "failed", "completed", "completed"]);
    expect(ended[0]).toMatchObject({ usage: { outputTokens: NUMBER, totalTokens: NUMBER }, costUSD: NUMBER });
    expect(ended[0]?.usage.totalTokens).toBeGreaterThan(0);
    expect(ended[0]).not.toHaveProperty("error");
    expect(ended[2]?.error).toEqual({
      code: "model_refused",
      message: expect.stringContaining("no such thing") as string,
    });
  });

  test("event error", () => {
    expect(data("error")).toEqual([{ sessionId: one.sessionId, code: "model_refused", message: TEXT }]);
  });
});
