// npm test: installs what is missing, then runs every test. `npm run test:long` (--long) runs the ones that take longer.
// Further arguments go to Vitest: npm test -- tests/scenarios -t "resumes"
import { join } from "node:path";
import { ensureInstalled } from "./install.mjs";
import { root } from "./pnpm.mjs";
import { run, systemPackages } from "./run.mjs";

const given = process.argv.slice(2);
const config = given.includes("--long") ? "vitest.long.config.ts" : "vitest.config.ts";

await ensureInstalled();
systemPackages("bubblewrap", "chromium", "unzip", "python", "postgresql", "mariadb", "redis", "nats");
process.exitCode = await run(
  [join(root, "node_modules/vitest/vitest.mjs"), "run", "--config", config, ...given.filter((arg) => arg !== "--long")],
  { cwd: root },
);
