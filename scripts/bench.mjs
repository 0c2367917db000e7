// npm run bench: installs what is missing, then measures. What stands after `--` goes to the benchmark: npm run bench -- --warm 100
import { join } from "node:path";
import { ensureInstalled } from "./install.mjs";
import { root } from "./pnpm.mjs";
import { run, systemPackages } from "./run.mjs";

await ensureInstalled();
systemPackages("bubblewrap");
const { bundle } = await import("./bundle.mjs");
await bundle();
process.exitCode = await run([join(root, "bench/latency.ts"), ...process.argv.slice(2)]);
