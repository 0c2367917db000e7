import { writeFileSync } from "node:fs";
import type { Reporter, TestCase, TestModule } from "vitest/node";

/** What a run came to; written as JSON to the file that AGENT_RUNTIME_TEST_SUMMARY names. */
export interface TestSummary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly { readonly name: string; readonly reason: string | null }[];
}

const nameOf = (test: TestCase): string => `${test.module.relativeModuleId} > ${test.fullName}`;

function summarise(modules: readonly TestModule[], outside: number): TestSummary {
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const results = tests.map((test) => ({ test, result: test.result() }));
  // A file that cannot be loaded, and an error outside of any test, count as one failure each.
  const broken = modules.filter((module) => module.errors().length > 0).length;
  return {
    passed: results.filter(({ result }) => result.state === "passed").length,
    failed: results.filter(({ result }) => result.state === "failed").length + broken + outside,
    skipped: results.flatMap(({ test, result }) =>
      result.state === "skipped" ? [{ name: nameOf(test), reason: result.note ?? null }] : [],
    ),
  };
}

/** Long enough for everything that ends by itself, in milliseconds. */
const END_MS = 60_000;

/** A process that a failed test left behind can hold a pipe of ours open, and with it this run, for ever. */
function endLater(code: number): void {
  setTimeout(() => {
    console.error("Something that a test started still holds this run open; it is ended.");
    process.exit(code);
  }, END_MS).unref();
}

/** Prints each skipped test with its reason, which a run without a filter must have, and leaves the counts for CI. */
export default class TestReport implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], outside: readonly unknown[]): void {
    const summary = summarise(modules, outside.length);
    const shown = summary.skipped.filter(({ reason }) => reason !== null);
    for (const { name, reason } of shown) console.log(`skipped: ${name}: ${reason}`);
    const file = process.env["AGENT_RUNTIME_TEST_SUMMARY"];
    if (file !== undefined) writeFileSync(file, JSON.stringify(summary));
    endLater(summary.failed > 0 ? 1 : 0);
  }
}
