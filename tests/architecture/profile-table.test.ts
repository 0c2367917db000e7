import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AgentProfile } from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { profileTable } from "../../scripts/profile-table.mjs";

const PAGE = readFileSync(join(import.meta.dirname, "../../docs/profiles.md"), "utf8");
const CELLS = profileTable.cellsOf(PAGE);

/** What names a profile in lists. */
const OF_LISTS = ["id", "name", "description"];

test("the committed table has every field that an agent is given, and nothing failed", () => {
  const shown = [...CELLS].flatMap(([key, state]) => (state === "✓" ? [key.split(" | ").slice(2).join(" | ")] : []));
  const titles = shown.map((title) => title.split(":")[0] ?? "").flatMap((fields) => fields.split(", "));
  const fields = Object.keys(AgentProfile.shape).filter((field) => !OF_LISTS.includes(field));
  expect(fields.filter((field) => !titles.includes(field))).toEqual([]);
  expect([...CELLS].filter(([, state]) => state === "FAILED")).toEqual([]);
});

test("every field is explained on the page", () => {
  const explained = new Set([...PAGE.matchAll(/`(\w+)[`:]/g)].map(([, name]) => name));
  expect(Object.keys(AgentProfile.shape).filter((field) => !explained.has(field))).toEqual([]);
});
