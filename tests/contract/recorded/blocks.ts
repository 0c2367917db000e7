import { describe, expect, test } from "vitest";
import { NUMBER, TEXT, TIME, completed, data, lastSeqOf, one, stateUntil } from "./one.ts";
import { LONG_TEXT } from "./record.ts";

describe("blocks", () => {
  test("block user_message", () => {
    expect(completed("user_message")[0]).toEqual({ type: "user_message", id: "first", timestamp: TIME, content: TEXT });
    expect(one.done.blocks.filter(({ type }) => type === "user_message").map(({ id }) => id)).toEqual([
      "first",
      "stopped",
      "refused",
      "last",
    ]);
  });

  test("block assistant_text and thinking", () => {
    expect(completed("thinking")[0]).toEqual({ type: "thinking", id: TEXT, timestamp: TIME, content: "I think." });
    expect(completed("assistant_text")[0]).toEqual({
      type: "assistant_text",
      id: TEXT,
      timestamp: TIME,
      content: "I say.",
    });
  });

  test("block tool_use", () => {
    const [write] = completed("tool_use");
    const input = { file_path: "/workspace/made.txt", content: "one\n" };
    expect(write).toMatchObject({
      type: "tool_use",
      id: TEXT,
      timestamp: TIME,
      toolName: "Write",
      toolUseId: TEXT,
      input,
    });
    const pieces = data("session:block:delta").filter(({ blockId }) => blockId === write?.id);
    expect(JSON.parse(pieces.map(({ delta }) => delta).join(""))).toEqual(input);
    const partial = stateUntil((event) => event.seq === lastSeqOf("session:block:delta", write?.id ?? ""));
    expect(partial.blocks.find(({ id }) => id === write?.id)).toMatchObject({
      status: "pending",
      partialInput: JSON.stringify(input),
    });
    expect(write?.status).toBe("running");
    expect(write).not.toHaveProperty("partialInput");
    expect(one.done.blocks.find(({ id }) => id === write?.id)).toEqual({ ...write, status: "success" });
    expect(one.done.blocks.find((block) => block.type === "tool_use" && block.status === "error")).toMatchObject({
      toolName: "Bash",
    });
  });

  test("block tool_result", () => {
    const uses = completed("tool_use");
    const [written, failed] = completed("tool_result");
    expect(written).toEqual({
      type: "tool_result",
      id: TEXT,
      timestamp: TIME,
      toolUseId: uses[0]?.toolUseId,
      content: TEXT,
      isError: false,
      durationMs: NUMBER,
    });
    expect(failed).toMatchObject({
      toolUseId: uses[1]?.toolUseId,
      isError: true,
      content: expect.stringContaining("3") as string,
    });
  });

  test("block system", () => {
    expect(completed("system").map(({ subtype }) => subtype)).toEqual(
      expect.arrayContaining(["api_retry", "interrupted"]),
    );
    expect(completed("system")[0]).toEqual({ type: "system", id: TEXT, timestamp: TIME, content: TEXT, subtype: TEXT });
  });

  test("block subagent", () => {
    const [block] = completed("subagent");
    const [subagent] = one.done.subagents;
    expect(block).toMatchObject({
      id: TEXT,
      timestamp: TIME,
      subagentId: subagent?.id,
      name: "general-purpose",
      status: "completed",
      input: TEXT,
    });
    expect(block?.output).toContain("Helped.");
    const started = data("session:block:start").find((start) => start.block.type === "subagent");
    expect(started?.block).toMatchObject({ status: "running" });
  });

  test("block error", () => {
    expect(completed("error")).toEqual([
      { type: "error", id: TEXT, timestamp: TIME, message: TEXT, code: "model_refused" },
    ]);
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
