import { expect, test } from "vitest";
import { withoutPromptRecords } from "./prompt-records.ts";

const line = (uuid: string, parentUuid: string | null, more: object = { type: "user" }): string =>
  JSON.stringify({ parentUuid, ...more, uuid });
const record = (type: string) => ({ type: "attachment", attachment: { type } });

test("prompts and tools of an earlier start are left out, and the chain of the others stays whole", () => {
  const lines = [
    line("a", null, record("prompt_snapshot")),
    line("b", "a"),
    line("c", "b", record("prompt_render_point")),
    line("d", "c", record("tool_offer_record")),
    line("e", "d"),
    line("f", "e", record("date")),
    "no JSON about a prompt_snapshot attachment",
    line("g", "f", { type: "user", text: 'says {"parentUuid":"c","attachment":"prompt_snapshot"}' }),
  ];
  expect(withoutPromptRecords(lines)).toEqual([line("b", null), line("e", "b"), ...lines.slice(5)]);
});

test("lines without such records stay as they are, byte for byte", () => {
  const lines = [' {"uuid":"a", "parentUuid":null}', line("b", "a"), line("c", "b", record("model"))];
  expect(withoutPromptRecords(lines)).toEqual(lines);
});
