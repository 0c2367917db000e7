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

/** Runs `npm test` and answers its counts; a run that broke off without counts is one failure. */
function runTests() {
  // What an earlier run has seen of sandboxes, stores and profiles is not this one's.
  for (const seen of ["sandboxes", "stores", "profiles"]) {
    rmSync(join(root, "test-results", seen), { recursive: true, force: true });
  }
  const folder = mkdtempSync(join(tmpdir(), "agent-runtime-ci-"));
  const file = join(folder, "summary.json");
  const { status, error } = spawnSync("npm", ["test"], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, AGENT_RUNTIME_TEST_SUMMARY: file },
    timeout: LIMIT_MS,
  });
  if (error !== undefined) console.log(`npm test: ${error.message}`);
  const summary = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : { passed: 0, failed: 1, skipped: [] };
  rmSync(folder, { recursive: true, force: true });
  // A failure that no test accounts for is still one.
  return { ...summary, failed: status === 0 ? summary.failed : Math.max(1, summary.failed) };
}

const tests = runTests();
for (const { name, reason } of tests.skipped) console.log(`skipped: ${name}: ${reason ?? "NO REASON GIVEN"}`);
const unexplained = tests.skipped.filter(({ reason }) => reason === null).length;
const { runChecks } = await import("./check.mjs");
const checks = runChecks();
const tables = [sandboxTable, storeTable, profileTable].map((table) => table.check());
const right = tables.filter(Boolean).length;

const passed = tests.passed + checks.passed + right;
const failed = tests.failed + unexplained + checks.failed.length + (tables.length - right);
const explained = tests.skipped.length - unexplained;
console.log(`${passed} passed, ${failed} failed${explained > 0 ? `, ${explained} skipped` : ""}`);
process.exitCode = failed === 0 ? 0 : 1;
