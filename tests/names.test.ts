import { describe, expect, test } from "vitest";
import { NAMES } from "./names.ts";
import type { Row } from "./names/row.ts";
import { schemaNames, type Name } from "./names/schema-names.ts";
import { commandNames, routeNames, tableNames } from "./names/served-names.ts";
import { membersOf, sourceNames } from "./names/source-names.ts";
import { problemIn, problemOf } from "./names/test-titles.ts";

const LATER = new Set(["stores", "profiles", "react", "later"]);
const key = ({ kind, name }: Name | Row): string => `${kind} ${name}`;

/** Names that the sources have, from schemas, interfaces, the API's own description and the command's help. */
async function namesInSources(): Promise<Name[]> {
  const served = await Promise.all([routeNames(), commandNames()]);
  return [schemaNames(), sourceNames(), tableNames(), ...served].flat();
}

/** Names of kinds that the sources have, which nevertheless only words promise; their tests stand for them. */
const SPOKEN = new Set([
  "route GET /openapi.json",
  "route GET /docs",
  "route GET /",
  "route /v1/…",
  "parameter /ws query.sessionId",
  "parameter /ws query.after",
  "parameter /ws query.logId",
  "parameter /ws query.conversation",
  "limit messageId and Idempotency-Key: 1–128 of A-Z a-z 0-9 _ -",
  "limit pages: 500",
  "limit a file's content in its event: 64 KB",
  "variable ANTHROPIC_API_KEY",
  "variable ANTHROPIC_AUTH_TOKEN",
  "variable ANTHROPIC_BASE_URL",
  "variable ANTHROPIC_API_KEY_FILE",
  "variable ANTHROPIC_AUTH_TOKEN_FILE",
  "variable AGENT_RUNTIME_SECRET_…",
  "variable MODAL_APP_NAME",
  "variable MODAL_TOKEN_ID",
  "variable MODAL_TOKEN_SECRET",
  "limit 512 processes a sandbox",
  "command agent-runtime-scripted-model",
  "command agent-runtime-modal-double",
]);

test("every name has a test that exists and runs, or the later work that brings it", () => {
  const problems = NAMES.flatMap((row) => {
    if ("later" in row) return "test" in row || !LATER.has(row.later) ? [`${key(row)}: has both, or no such work`] : [];
    const problem = problemOf(row.test);
    return problem === null ? [] : [`${key(row)}: ${problem}`];
  });
  expect(problems).toEqual([]);
});

test("no name stands there twice", () => {
  const seen = NAMES.map(key);
  expect(seen.filter((name, index) => seen.indexOf(name) !== index)).toEqual([]);
});

test("every name in the sources is in the ledger, and no row is left of a name that has gone", async () => {
  const found = await namesInSources();
  const inSources = new Set(found.map(key));
  const inLedger = new Set(NAMES.map(key));
  expect([...inSources].filter((name) => !inLedger.has(name))).toEqual([]);
  const kinds = new Set(found.map(({ kind }) => kind));
  const gone = NAMES.filter((row) => "test" in row && kinds.has(row.kind) && !inSources.has(key(row)));
  expect(gone.map(key).filter((name) => !SPOKEN.has(name))).toEqual([]);
});

describe("the search for tests", () => {
  const source = `
test("plain", () => {});
test.skip("left out", () => {});
it.todo("not yet", () => {});
test.each([
  ["a", (b) => c("plain two", d)],
])("each %s", () => {});
const cases = {
  "a case of a contract": async (subject) => {},
};`;

  test.each([
    ["plain", null],
    ["each %s", null],
    ["a case of a contract", null],
    ["plain two", 'there is no test "plain two" in f'],
    ["left out", 'the test "left out" in f is skipped'],
    ["not yet", 'the test "not yet" in f is skipped'],
  ])("%s", (title, problem) => {
    expect(problemIn(source, title, "f")).toBe(problem);
  });

  test("a skipped group skips its tests", () => {
    expect(problemIn(`describe.skip("g", () => {${source}});`, "plain", "f")).toContain("skipped");
  });

  test("members of an interface, and names that are picked from another", () => {
    const text =
      'export interface A extends Pick<B, "one" | "two"> {\n  readonly three?: number;\n  four(x: { five: 5 }): void;\n}\n';
    expect(membersOf(text, "A")).toEqual(["one", "two", "three", "four"]);
  });
});
