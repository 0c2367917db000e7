import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const documents = [
  "README.md",
  "CONTRIBUTING.md",
  "AGENTS.md",
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".md"))
    .map((path) => join("docs", path)),
];
const read = (document: string): string => readFileSync(join(root, document), "utf8");

test("links between documents lead somewhere", () => {
  const broken = documents.flatMap((document) =>
    [...read(document).matchAll(/\]\((?!https?:)([^)#]+)/g)]
      .map(([, target = ""]) => join(dirname(document), target))
      .filter((target) => !existsSync(join(root, target)))
      .map((target) => `${document} → ${target}`),
  );
  expect(broken).toEqual([]);
});

test("files and folders that the architecture page names are there", () => {
  const parts = readdirSync(join(root, "packages")).map((name) => join("packages", name, "src"));
  const places = ["", "packages", ...parts, "packages/runner/src/claude-agent-sdk", "packages/runtime"];
  const named = [...read("docs/architecture.md").matchAll(/`([\w./-]+(?:\.ts|\/))`/g)].map(([, path = ""]) => path);
  expect(named.length).toBeGreaterThan(30);
  const resolved = (path: string): boolean =>
    [path, path.replace(/^(\w+)\//, "$1/src/")].some((tried) =>
      places.some((place) => existsSync(join(root, place, tried))),
    );
  expect(named.filter((path) => !resolved(path))).toEqual([]);
});

test("tests that the reliability page names are there", () => {
  const named = [...read("docs/reliability.md").matchAll(/`((?:tests|packages|apps)\/[\w./-]+\.test\.ts)`/g)];
  expect(named.length).toBeGreaterThan(30);
  expect(named.flatMap(([, path = ""]) => (existsSync(join(root, path)) ? [] : [path]))).toEqual([]);
});

test("every flag and option of the tables in the configuration page is a name of the ledger", async () => {
  const { NAMES } = await import("../names.ts");
  const known = new Set(
    NAMES.map(({ name }) => name.replace(/^(createAgentRuntime|createRestServer|createWebSocketServer)\./, "")),
  );
  const rows = [...read("docs/configuration.md").matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = ""]) => name);
  expect(rows.length).toBeGreaterThan(25);
  expect(rows.filter((name) => !known.has(name))).toEqual([]);
});
