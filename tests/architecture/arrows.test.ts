import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { planted } from "./planted-violations.ts";
import { plant, repository, smallWorkspace, violationsIn } from "./small-workspace.ts";
import type { Violation } from "./small-workspace.ts";

let workspace: Awaited<ReturnType<typeof smallWorkspace>>;
let before: Violation[];
let after: Violation[];

beforeAll(async () => {
  workspace = await smallWorkspace();
  before = await violationsIn(workspace.root);
  for (const { files } of Object.values(planted).flat()) await plant(workspace.root, files);
  after = await violationsIn(workspace.root);
});

afterAll(() => workspace.remove());

test("a workspace that keeps the arrows is found clean", () => {
  expect(before).toEqual([]);
});

test("every rule has a planted violation", async () => {
  const config = (await import(join(repository, ".dependency-cruiser.mjs"))) as {
    default: { forbidden: { name: string }[] };
  };
  expect(Object.keys(planted).sort()).toEqual(config.default.forbidden.map(({ name }) => name).sort());
});

test.for(Object.entries(planted).flatMap(([rule, cases]) => cases.map(({ from }) => ({ rule, from }))))(
  "$rule bites in $from",
  ({ rule, from }) => {
    expect(after).toContainEqual({ rule, from });
  },
);

test("the repository keeps the arrows", async () => {
  expect(await violationsIn(repository)).toEqual([]);
});
