import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const root = join(import.meta.dirname, "..");

/** For programs that tests start by the hundred: compiling them is half of what a start takes. */
export const COMPILE_CACHE = { NODE_COMPILE_CACHE: join(root, "node_modules/.cache/compile") };

/** What servers under test load. */
const PROGRAMS = [
  "apps/server/src/command.ts",
  "apps/server/src/serve/serve.ts",
  "packages/runtime/src/persistence/postgres/index.ts",
  "packages/runtime/src/persistence/mysql/index.ts",
  "packages/runtime/src/sandbox/unsafe-process/index.ts",
];

/** Fills the cache: a process that is killed, as most of those are, leaves nothing in it. */
export function fillCompileCache(): void {
  const imports = PROGRAMS.map((path) => `await import(${JSON.stringify(pathToFileURL(join(root, path)).href)});`);
  execFileSync(process.execPath, ["--input-type=module", "--eval", imports.join("\n")], {
    env: { ...process.env, ...COMPILE_CACHE },
    stdio: ["ignore", "inherit", "inherit"],
  });
}
