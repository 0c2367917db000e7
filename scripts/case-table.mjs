// A table of the documentation, subject × case, from what the last test run has left in a folder of test-results.
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./pnpm.mjs";

const END = "<!-- The table of a test run ends. -->";

/** The table that `script` writes into `page`, of the runs in `folder`; `suites`: what heads each, in order; `columns`: their order. */
export function caseTable({ script, page, folder, suites, columns }) {
  const begin = `<!-- The table of a test run begins; scripts/${script} writes it. -->`;
  const path = join(root, page);
  const place = ({ column }) => {
    const index = columns.indexOf(column);
    return index === -1 ? columns.length : index;
  };

  /** What each suite came to, one a column. */
  function readRuns(from = join(root, "test-results", folder)) {
    const names = existsSync(from) ? readdirSync(from).filter((name) => name.endsWith(".json")) : [];
    const runs = names.map((name) => JSON.parse(readFileSync(join(from, name), "utf8")));
    return runs.toSorted((a, b) => place(a) - place(b));
  }

  /** The runs as Markdown: a table a suite, below it why something was skipped. */
  function tablesOf(runs) {
    const versions = [...new Set(runs.map(({ column, version }) => `${column.split(",")[0]}: ${version}`))];
    const tables = Object.entries(suites).flatMap(([suite, title]) => {
      const mine = runs.filter((run) => run.suite === suite);
      return mine.length === 0 ? [] : tableOf(title, mine);
    });
    return [`The run was on ${versions.join("; ")}.`, ...tables].join("\n\n");
  }

  /** The page with the tables between its marks. */
  function withTables(text, tables) {
    const [before, rest] = text.split(begin);
    const after = rest?.split(END)[1];
    if (before === undefined || after === undefined) throw new Error("the page has no marks for the table");
    return `${before}${begin}\n\n${tables}\n\n${END}${after}`;
  }

  /** What the tables of a page say: suite, column and case, and what it came to. */
  function cellsOf(text) {
    const cells = new Map();
    let head = null;
    for (const line of (text.split(begin)[1] ?? "").split(END)[0].split("\n")) {
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
   * column of which this machine has no run (no engine, no database) is not compared.
   */
  function differences(text, runs) {
    const [said, seen] = [cellsOf(text), cellsOf(`${begin}\n${tablesOf(runs)}\n${END}`)];
    const column = (key) => key.split(" | ").slice(0, 2).join(" | ");
    const compared = new Set([...seen.keys()].map(column));
    const keys = [...new Set([...said.keys(), ...seen.keys()])].filter((key) => compared.has(column(key)));
    return keys
      .filter((key) => (said.get(key) ?? "") !== (seen.get(key) ?? ""))
      .map((key) => `${key}: the page says ${said.get(key) || "nothing"}, the run ${seen.get(key) || "nothing"}`);
  }

  /** Whether the page says what the last run has seen, as one check of CI. */
  function check() {
    const runs = readRuns();
    const found = differences(readFileSync(path, "utf8"), runs);
    console.log(`${found.length === 0 ? "ok    " : "FAILED"} the table of ${page} (${runs.length} runs)`);
    for (const difference of found) console.log(difference);
    if (found.length > 0) console.log(`Run node scripts/${script} after a whole test run.`);
    return found.length === 0;
  }

  /** `--check` says where the page differs from the run; else the page is written. */
  function main() {
    if (process.argv.includes("--check")) process.exitCode = check() ? 0 : 1;
    else writeFileSync(path, withTables(readFileSync(path, "utf8"), tablesOf(readRuns())));
  }

  return { readRuns, tablesOf, withTables, cellsOf, differences, check, main };
}

const cellOf = (state) => ({ passed: "✓", failed: "FAILED", skipped: "–" })[state] ?? "";

function tableOf(title, runs) {
  const names = [...new Set(runs.flatMap(({ cases }) => cases.map(({ name }) => name)))];
  const row = (cells) => `| ${cells.join(" | ")} |`;
  const lines = names.map((name) => {
    const states = runs.map(({ cases }) => cellOf(cases.find((one) => one.name === name)?.state));
    return row([name.replaceAll("|", "\\|"), ...states]);
  });
  const skips = runs.flatMap(({ column, cases }) =>
    cases.filter(({ state }) => state === "skipped").map(({ name, reason }) => ({ column, name, reason })),
  );
  const heads = runs.map(({ column }) => column);
  const table = [row([title, ...heads]), row(["---", ...heads.map(() => "---")]), ...lines].join("\n");
  return skips.length === 0 ? [table] : [table, `Skipped in ${title.toLowerCase()}:`, reasonsOf(skips)];
}

/** One line a case and reason, with all whom it concerns. */
function reasonsOf(skips) {
  const lines = new Map();
  for (const { column, name, reason } of skips) {
    const why = `${name}: ${reason}`;
    lines.set(why, [...(lines.get(why) ?? []), column]);
  }
  return [...lines].map(([why, columns]) => `- ${why} (${columns.join("; ")})`).join("\n");
}
