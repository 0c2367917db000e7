import { describe, expect, test } from "vitest";
import { HASH, NUMBER, TEXT, TIME, completed, one, stateUntil } from "./one.ts";

describe("state", () => {
  test("while a turn runs: turn and queue", () => {
    expect(one.busy.turn).toEqual({ turnId: TEXT, messageIds: ["first"], startedAt: TIME });
    expect(one.busy.queue.map(({ messageId }) => messageId)).toEqual(["stopped", "refused"]);
    expect(one.busy.queue[1]).toEqual({
      messageId: "refused",
      content: expect.stringContaining("no such thing") as string,
      queuedAt: TIME,
    });
  });

  test("when it is over", () => {
    expect(one.done).toMatchObject({
      sessionId: one.sessionId,
      type: "claude-agent-sdk",
      agentProfileReference: "default",
      name: "Recorded",
      metadata: { mine: true },
      profileVersion: HASH,
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
      {
        id: TEXT,
        name: "general-purpose",
        status: "completed",
        output: expect.stringContaining("Helped.") as string,
        parentId: "main",
        usage: expect.objectContaining({ totalTokens: 15 }) as object,
        costUSD: NUMBER,
        blocks: expect.any(Array) as [],
      },
    ]);
    expect(one.done.workspaceFiles.map(({ path }) => path).toSorted()).toEqual([
      "empty",
      "large.txt",
      "link",
      "made.txt",
      "odd",
      "seed/notes.txt",
    ]);
  });

  test("streamingBlockIds names the blocks that are open", () => {
    const [text] = completed("assistant_text");
    const open = stateUntil((event) => event.type === "session:block:delta" && event.data.blockId === text?.id);
    expect(open.streamingBlockIds).toContain(text?.id);
  });

  test("a second sandbox goes on with the conversation and the files", () => {
    const said = completed("assistant_text").map(({ content }) => content);
    expect(said.at(-1)).toBe("The history is there.");
  });
});
