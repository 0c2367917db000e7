// npm run check: everything that CI checks besides the tests. Shows the output of what fails; `npm run check -- knip` runs one.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureInstalled, node } from "./install.mjs";
import { root } from "./pnpm.mjs";

const tool = (path) => join(root, "node_modules", path);

const checks = {
  tsc: [tool("typescript/bin/tsc"), "-b"],
  oxlint: [tool("oxlint/bin/oxlint"), "--type-aware", "--deny-warnings"],
  oxfmt: [tool("oxfmt/bin/oxfmt"), "--check", "."],
  depcruise: [
    tool("dependency-cruiser/bin/dependency-cruiser.mjs"),
    "--config",
    ".dependency-cruiser.mjs",
    "packages",
    "apps",
    "tests",
    "bench",
    "examples",
  ],
  knip: [tool("knip/bin/knip.js"), "--no-progress", "--no-config-hints"],
  size: [join(root, "scripts/size.mjs")],
  publint: [join(root, "scripts/publint.mjs")],
};

/** Runs the named checks, all where none is named, and answers the names of those that failed. */
export function runChecks(names = Object.keys(checks)) {
  const failed = [];
  for (const name of names) {
    const started = performance.now();
    const { status, stdout, stderr } = spawnSync(node, checks[name], {
      cwd: root,
      encoding: "utf8",
      maxBuffer: 64 << 20,
    });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${status === 0 ? "ok    " : "FAILED"} ${name} (${seconds} s)`);
    if (status === 0) continue;
    failed.push(name);
    process.stdout.write(`${stdout}${stderr}`);
  }
  return { passed: names.length - failed.length, failed };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = process.argv.slice(2);
  const unknown = names.filter((name) => !(name in checks));
  if (unknown.length > 0) {
    console.error(`Unknown check: ${unknown.join(", ")}. There are: ${Object.keys(checks).join(", ")}.`);
    process.exit(2);
  }
  await ensureInstalled();
  if (runChecks(names.length > 0 ? names : undefined).failed.length > 0) process.exitCode = 1;
}
