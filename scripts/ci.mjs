// All tests and all checks, and one last line that says how many passed and failed.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./pnpm.mjs";
import { profileTable } from "./profile-table.mjs";
import { sandboxTable } from "./sandbox-table.mjs";
import { storeTable } from "./store-table.mjs";

const LIMIT_MS = 80 * 60_000;

/** Files of which one test or more failed, above which a run is not repeated: that is no accident. */
const FEW_FILES = 8;
const BROKE_OFF = { file: "", name: "npm test", why: "it broke off without counts" };

/** Runs `npm test`, or these files of it, and answers its counts; a run that broke off without counts is one failure. */
function runTests(files = []) {
  const folder = mkdtempSync(join(tmpdir(), "agent-runtime-ci-"));
  const file = join(folder, "summary.json");
  const { status, error } = spawnSync("npm", ["test", ...(files.length > 0 ? ["--", ...files] : [])], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, AGENT_RUNTIME_TEST_SUMMARY: file },
    timeout: LIMIT_MS,
  });
  if (error !== undefined) console.log(`npm test: ${error.message}`);
  const summary = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : null;
  rmSync(folder, { recursive: true, force: true });
  const counts = summary ?? { passed: 0, failed: 1, skipped: [], failures: [BROKE_OFF] };
  // A failure that no test accounts for is still one.
  return { ...counts, failed: status === 0 ? counts.failed : Math.max(1, counts.failed) };
}

/**
 * Machines are shared: few failures are tried once more, by themselves, when all else has ended. What fails again has
 * failed; what does not is unsteady, and is printed with what it failed by. See docs/testing.md.
 */
function runTwice() {
  const first = runTests();
  const files = [...new Set(first.failures.map(({ file }) => file))];
  if (first.failed === 0 || files.includes("") || files.length > FEW_FILES) return { ...first, unsteady: [] };
  console.log(`once more: ${files.join(" ")}`);
  const second = runTests(files);
  const again = new Set(second.failures.map(({ name }) => name));
  return {
    ...first,
    passed: first.passed + Math.max(0, first.failed - second.failed),
    failed: second.failed,
    failures: second.failures,
    unsteady: first.failures.filter(({ name }) => !again.has(name)),
  };
}

// What an earlier run has seen of sandboxes, stores and profiles is not this one's.
for (const seen of ["sandboxes", "stores", "profiles"])
  rmSync(join(root, "test-results", seen), { recursive: true, force: true });
const tests = runTwice();
// `npm test` has printed those that were skipped with a reason.
const unexplained = tests.skipped.filter(({ reason }) => reason === null);
for (const { name } of unexplained) console.log(`skipped: ${name}: NO REASON GIVEN`);
const { runChecks } = await import("./check.mjs");
const checks = runChecks();
const tables = [sandboxTable, storeTable, profileTable].map((table) => table.check());
const right = tables.filter(Boolean).length;

const passed = tests.passed + checks.passed + right;
const failed = tests.failed + unexplained.length + checks.failed.length + (tables.length - right);
const explained = tests.skipped.length - unexplained.length;
// At the end, where whoever sees only the last lines finds them.
for (const { name, why } of tests.unsteady) console.log(`unsteady: ${name}: ${why}`);
for (const { name, why } of tests.failures) console.log(`failed: ${name}: ${why}`);
console.log(`${passed} passed, ${failed} failed${explained > 0 ? `, ${explained} skipped` : ""}`);
process.exitCode = failed === 0 ? 0 : 1;
