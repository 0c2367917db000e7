import type { ShownBlock } from "@hhopkins/agent-runtime-react";
import { expect, test } from "vitest";
import { itemsWith } from "./find-text.ts";

const timestamp = "2026-11-20T09:00:00.000Z";
const blocks: ShownBlock[] = [
  { type: "user_message", id: "m", timestamp, content: "Where is the Parser?" },
  {
    type: "tool_use",
    id: "u",
    timestamp,
    toolName: "Grep",
    toolUseId: "c",
    input: { pattern: "class" },
    status: "success",
  },
  { type: "assistant_text", id: "a", timestamp, content: "I look." },
  { type: "tool_result", id: "r", timestamp, toolUseId: "c", content: "src/parser.ts" },
  { type: "error", id: "e", timestamp, message: "no words", code: "parser_broken" },
];
const ids = new Set(["m", "u", "a", "e"]);

test("items are found by their words, whatever their case, and calls by their results", () => {
  expect(itemsWith("PARSER", blocks, ids)).toEqual(["m", "u", "e"]);
  expect(itemsWith("class", blocks, ids)).toEqual(["u"]);
  expect(itemsWith("  ", blocks, ids)).toEqual([]);
  expect(itemsWith("nowhere", blocks, ids)).toEqual([]);
});
