// npm run crash: installs what is missing, then kills a server at random moments. What stands after `--` goes to the test:
// npm run crash -- --rounds 100 --seed 7 --gateway process
import { join } from "node:path";
import { ensureInstalled } from "./install.mjs";
import { root } from "./pnpm.mjs";
import { run, systemPackages } from "./run.mjs";

await ensureInstalled();
systemPackages("bubblewrap");
const { bundle } = await import("./bundle.mjs");
await bundle();
process.exitCode = await run([join(root, "tests/crash/crash.ts"), ...process.argv.slice(2)]);
