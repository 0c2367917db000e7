// Makes every `dist/`: what the published packages consist of.
import { join } from "node:path";
import { ensureInstalled } from "./install.mjs";
import { root } from "./pnpm.mjs";
import { run } from "./run.mjs";

/** Compiles all packages and makes the bundles; answers the compiler's exit code. */
export async function build() {
  const code = await run([join(root, "node_modules/typescript/bin/tsc"), "-b"], { cwd: root });
  const { bundle } = await import("./bundle.mjs");
  await bundle();
  return code;
}

if (process.argv[1]?.endsWith("build.mjs")) {
  await ensureInstalled();
  process.exitCode = await build();
}
