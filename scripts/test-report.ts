import { writeFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import type { Reporter, TestCase, TestModule } from "vitest/node";

/** What a run came to; written as JSON to the file that AGENT_RUNTIME_TEST_SUMMARY names. */
export interface TestSummary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly { readonly name: string; readonly reason: string | null }[];
  /** What failed, each with its file (none: outside of any) and the first line of why. */
  readonly failures: readonly { readonly file: string; readonly name: string; readonly why: string }[];
}

const nameOf = (test: TestCase): string => `${test.module.relativeModuleId} > ${test.fullName}`;

const LONGEST_WHY = 300;

/** The first line of an error, without the colours of a terminal. */
function whyOf(errors: readonly { message?: string | undefined }[] | undefined): string {
  const [line = ""] = stripVTControlCharacters(errors?.[0]?.message ?? "no error was told").split("\n");
  return line.slice(0, LONGEST_WHY);
}

function summarise(modules: readonly TestModule[], outside: readonly { message?: string }[]): TestSummary {
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const results = tests.map((test) => ({ test, result: test.result() }));
  // A file that cannot be loaded, a group that cannot be set up, and an error outside of any test count as one failure each.
  const broken = modules
    .flatMap((module) => {
      const file = module.relativeModuleId;
      const suites = [...module.children.allSuites()];
      const inside = suites.map((suite) => ({ file, name: `${file} > ${suite.fullName}`, errors: suite.errors() }));
      return [{ file, name: file, errors: module.errors() }, ...inside];
    })
    .filter(({ errors }) => errors.length > 0);
  const failures = [
    ...results
      .filter(({ result }) => result.state === "failed")
      .map(({ test, result }) => ({
        file: test.module.relativeModuleId,
        name: nameOf(test),
        why: whyOf(result.errors),
      })),
    ...broken.map(({ file, name, errors }) => ({ file, name, why: whyOf(errors) })),
    ...outside.map((error) => ({ file: "", name: "outside of any test", why: whyOf([error]) })),
  ];
  return {
    passed: results.filter(({ result }) => result.state === "passed").length,
    failed: failures.length,
    failures,
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
  onTestRunEnd(modules: readonly TestModule[], outside: readonly { message?: string }[]): void {
    const summary = summarise(modules, outside);
    const shown = summary.skipped.filter(({ reason }) => reason !== null);
    for (const { name, reason } of shown) console.log(`skipped: ${name}: ${reason}`);
    const file = process.env["AGENT_RUNTIME_TEST_SUMMARY"];
    if (file !== undefined) writeFileSync(file, JSON.stringify(summary));
    endLater(summary.failed > 0 ? 1 : 0);
  }
}
