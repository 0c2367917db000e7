// npm run crash: installs what is missing, then kills a server at random moments. What stands after `--` goes to the test:
// npm run crash -- --rounds 100 --seed 7 --gateway process
// npm run crash -- --nodes 3 --store postgres --rounds 100 --lease-ms 2000
import { join } from "node:path";
import { ensureInstalled } from "./install.mjs";
import { root } from "./pnpm.mjs";
import { run, systemPackages } from "./run.mjs";

const args = process.argv.slice(2);
const hasNodes = args.some((arg) => arg.startsWith("--nodes"));
await ensureInstalled();
systemPackages("bubblewrap", ...(hasNodes ? ["postgresql", "mariadb"] : []));
const { bundle } = await import("./bundle.mjs");
await bundle();
const test = hasNodes ? "tests/crash/nodes/nodes.ts" : "tests/crash/crash.ts";
process.exitCode = await run([join(root, test), ...args]);
