import { describe, expect, it } from "vitest";
import { EntryBody, MAX_CONTENT_CHARS, MAX_LINE_BYTES, encodeLine } from "@hhopkins/agent-runtime-protocol";
import { fitEntry } from "./entry-limits.ts";

const at = "2026-01-01T00:00:00.000Z";
const size = (body: EntryBody) => Buffer.byteLength(encodeLine({ type: "entry", n: 1e12, body }));
const text = (content: string): EntryBody => ({
  kind: "block:complete",
  conversationId: "main",
  block: { type: "assistant_text", id: "b", timestamp: at, content },
});
const tool = (input: Record<string, unknown>): EntryBody => ({
  kind: "block:complete",
  conversationId: "main",
  block: { type: "tool_use", id: "b", timestamp: at, toolName: "Write", toolUseId: "t", input, status: "running" },
});

function one(body: EntryBody) {
  const fitted = fitEntry(body);
  expect(fitted).toHaveLength(1);
  expect(size(fitted[0]!)).toBeLessThanOrEqual(MAX_LINE_BYTES);
  return EntryBody.parse(fitted[0]);
}

describe("what fits on a line", () => {
  it("leaves alone what fits", () => {
    const body = text("x".repeat(MAX_CONTENT_CHARS));
    expect(fitEntry(body)[0]).toBe(body);
  });

  it("splits long deltas so that their sum is the same, and no character is torn", () => {
    const delta = "👩".repeat(MAX_CONTENT_CHARS) + "\u0001".repeat(MAX_CONTENT_CHARS);
    const parts = fitEntry({ kind: "block:delta", conversationId: "main", blockId: "b", delta });
    expect(parts.length).toBeGreaterThan(2);
    for (const part of parts) {
      expect(size(part)).toBeLessThanOrEqual(MAX_LINE_BYTES);
      expect(part.kind === "block:delta" && part.delta.isWellFormed()).toBe(true);
    }
    expect(parts.map((part) => (part.kind === "block:delta" ? part.delta : "")).join("")).toBe(delta);
  });

  it("cuts long contents and says so", () => {
    const body = one(text("y".repeat(MAX_CONTENT_CHARS + 1)));
    expect(body).toMatchObject({ block: { content: "y".repeat(MAX_CONTENT_CHARS), truncated: true } });
  });

  it("cuts deeper where characters take many bytes in JSON", () => {
    const body = one(text("\u0000".repeat(MAX_CONTENT_CHARS)));
    expect(body).toMatchObject({ block: { truncated: true } });
  });

  it("cuts strings inside of a tool's input, or drops an input whose shape is too large", () => {
    const cut = one(tool({ file_path: "/a", nested: [{ content: "z".repeat(5_000_000) }] }));
    expect(cut).toMatchObject({ block: { input: { file_path: "/a" }, truncated: true } });
    const dropped = one(tool({ numbers: Array.from({ length: 3_000_000 }, () => 1) }));
    expect(dropped).toMatchObject({ block: { input: {}, truncated: true } });
  });

  it("cuts an error's message, for a turn's end must arrive", () => {
    const usage = {
      inputTokens: 0,
      outputTokens: 0,
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
      thinkingTokens: 0,
      totalTokens: 0,
    };
    const error = { code: "harness_failed", message: "\u0000".repeat(2_000_000) };
    const end = one({ kind: "turn:ended", turnId: "t", status: "failed", usage, costUSD: 0, error });
    expect(end).toMatchObject({ turnId: "t", error: { code: "harness_failed" } });
  });

  it("sends transcript lines whole, in several entries, and leaves out one that fits nowhere", () => {
    const lines = [...Array.from({ length: 20 }, (_, n) => `${n}`.repeat(200_000)), "q".repeat(MAX_LINE_BYTES)];
    const parts = fitEntry({ kind: "transcript", key: "k", lines });
    for (const part of parts) expect(size(part)).toBeLessThanOrEqual(MAX_LINE_BYTES);
    expect(parts.flatMap((part) => (part.kind === "transcript" ? part.lines : []))).toEqual(lines.slice(0, 20));
  });
});
