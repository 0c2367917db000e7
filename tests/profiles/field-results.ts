import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach } from "vitest";

const RESULTS = join(import.meta.dirname, "../../test-results/profiles");

/** Keeps what each test of this file came to, for the table of docs/profiles.md: field and effect × architecture. */
export function recordFields(file: string, architecture = "claude-agent-sdk"): void {
  const cases = new Map<string, { name: string; state: string; reason?: string }>();
  afterEach(({ task }) => {
    const state = task.result?.state;
    if (state !== "pass" && state !== "fail" && state !== "skip") return;
    const came = { pass: "passed", fail: "failed", skip: "skipped" }[state];
    const reason = state === "skip" ? { reason: "see the run" } : {};
    cases.set(task.name, { name: task.name, state: came, ...reason });
    mkdirSync(RESULTS, { recursive: true });
    const run = { suite: file, column: architecture, version: "0.3.330", cases: [...cases.values()] };
    writeFileSync(join(RESULTS, `${file}-${architecture}.json`), `${JSON.stringify(run, null, 1)}\n`);
  });
}
