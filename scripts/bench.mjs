// npm run bench: installs what is missing, then measures. The first argument says what, latency if it is none of these;
// the others go to the benchmark: npm run bench -- --warm 100, npm run bench -- fanout --clients 100
import { join } from "node:path";
import { ensureInstalled } from "./install.mjs";
import { root } from "./pnpm.mjs";
import { run, systemPackages } from "./run.mjs";

const programs = {
  latency: "bench/latency.ts",
  cluster: "bench/cluster.ts",
  console: "bench/console.ts",
  fanout: "bench/fanout.ts",
  gateway: "bench/gateway.ts",
  resume: "bench/resume.ts",
  sandboxes: "bench/sandboxes.ts",
  stores: "bench/stores.ts",
  soak: "tests/soak/soak.ts",
};
const [first = "latency", ...others] = process.argv.slice(2);
const [program, given] = Object.hasOwn(programs, first)
  ? [programs[first], others]
  : [programs.latency, process.argv.slice(2)];

await ensureInstalled();
const servers = { console: ["chromium"], stores: ["postgresql", "mariadb"], cluster: ["postgresql", "redis", "nats"] };
systemPackages("bubblewrap", ...(servers[first] ?? []));
const { bundle } = await import("./bundle.mjs");
await bundle();
process.exitCode = await run([join(root, program), ...given], { cwd: root });
