// The table provider × case of docs/sandboxes.md, from what the last test run has left in test-results/sandboxes:
// `node scripts/sandbox-table.mjs` writes it, `--check` says where the page differs from the run.
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { root } from "./pnpm.mjs";

const RESULTS = join(root, "test-results/sandboxes");
const PAGE = join(root, "docs/sandboxes.md");
const BEGIN = "<!-- The table of a test run begins; scripts/sandbox-table.mjs writes it. -->";
const END = "<!-- The table of a test run ends. -->";

const PROVIDERS = ["local", "docker", "modal", "unsafe-process"];
const SUITES = { contract: "Contract", isolation: "Isolation" };

/** What each suite came to, a provider and a user each; the order of the table's columns. */
export function readRuns(folder = RESULTS) {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".json")) : [];
  const runs = names.map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")));
  const place = ({ provider, user }) => PROVIDERS.indexOf(provider) * 2 + (user === "root" ? 0 : 1);
  return runs.toSorted((a, b) => place(a) - place(b));
}

const columnOf = ({ provider, user }) => `${provider}, ${user}`;
const cellOf = (state) => ({ passed: "✓", failed: "FAILED", skipped: "–" })[state] ?? "";

/** The runs as Markdown: a table a suite, below it why something was skipped. */
export function tablesOf(runs) {
  const versions = [...new Set(runs.map(({ provider, version }) => `${provider}: ${version}`))];
  const tables = Object.entries(SUITES).flatMap(([suite, title]) => {
    const mine = runs.filter((run) => run.suite === suite);
    return mine.length === 0 ? [] : tableOf(title, mine);
  });
  return [`The run was on ${versions.join("; ")}.`, ...tables].join("\n\n");
}

function tableOf(title, runs) {
  const names = [...new Set(runs.flatMap(({ cases }) => cases.map(({ name }) => name)))];
  const row = (cells) => `| ${cells.join(" | ")} |`;
  const lines = names.map((name) => {
    const states = runs.map(({ cases }) => cellOf(cases.find((one) => one.name === name)?.state));
    return row([name.replaceAll("|", "\\|"), ...states]);
  });
  const skips = runs.flatMap((run) =>
    run.cases.filter(({ state }) => state === "skipped").map(({ name, reason }) => ({ run, name, reason })),
  );
  const table = [row([title, ...runs.map(columnOf)]), row(["---", ...runs.map(() => "---")]), ...lines].join("\n");
  return skips.length === 0 ? [table] : [table, `Skipped in ${title.toLowerCase()}:`, reasonsOf(skips)];
}

/** One line a case and reason, with all whom it concerns. */
function reasonsOf(skips) {
  const lines = new Map();
  for (const { run, name, reason } of skips) {
    const why = `${name}: ${reason}`;
    lines.set(why, [...(lines.get(why) ?? []), columnOf(run)]);
  }
  return [...lines].map(([why, columns]) => `- ${why} (${columns.join("; ")})`).join("\n");
}

/** The page with the tables between its marks. */
export function withTables(page, tables) {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error("the page has no marks for the table");
  return `${before}${BEGIN}\n\n${tables}\n\n${END}${after}`;
}

/** What the tables of a page say: suite, column and case, and what it came to. */
export function cellsOf(page) {
  const cells = new Map();
  let head = null;
  for (const line of (page.split(BEGIN)[1] ?? "").split(END)[0].split("\n")) {
    const parts = line.split(/(?<!\\)\|/).map((part) => part.trim().replaceAll("\\|", "|"));
    const given = parts.slice(1, -1);
    if (given.length < 2) head = null;
    else if (head === null) head = given;
    else if (!given.every((part) => /^-+$/.test(part))) {
      const [name, ...states] = given;
      states.forEach((state, index) => cells.set(`${head[0]} | ${head[index + 1]} | ${name}`, state));
    }
  }
  return cells;
}

/**
 * Where a page differs from the runs: cases, and what they came to; versions and reasons may differ between machines. A
 * column of which this machine has no run (no engine) is not compared.
 */
export function differences(page, runs) {
  const [said, seen] = [cellsOf(page), cellsOf(`${BEGIN}\n${tablesOf(runs)}\n${END}`)];
  const column = (key) => key.split(" | ").slice(0, 2).join(" | ");
  const compared = new Set([...seen.keys()].map(column));
  const keys = [...new Set([...said.keys(), ...seen.keys()])].filter((key) => compared.has(column(key)));
  return keys
    .filter((key) => said.get(key) !== seen.get(key))
    .map((key) => `${key}: the page says ${said.get(key) ?? "nothing"}, the run ${seen.get(key) ?? "nothing"}`);
}

/** Whether the page says what the last run has seen, as one check of CI. */
export function checkSandboxTable() {
  const runs = readRuns();
  const found = differences(readFileSync(PAGE, "utf8"), runs);
  console.log(`${found.length === 0 ? "ok    " : "FAILED"} the table of docs/sandboxes.md (${runs.length} runs)`);
  for (const difference of found) console.log(difference);
  if (found.length > 0) console.log("Run node scripts/sandbox-table.mjs after a whole test run.");
  return found.length === 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes("--check")) process.exitCode = checkSandboxTable() ? 0 : 1;
  else writeFileSync(PAGE, withTables(readFileSync(PAGE, "utf8"), tablesOf(readRuns())));
}
