// The one pnpm of this workspace, pinned and run through npx: nothing is installed globally.
import { spawn, spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const VERSION = "12.21.0";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** pnpm reads a user's npmrc, but neither npm's environment variables nor its global file: hand those settings over. */
function settingsOfNpm() {
  const names = {
    registry: "registry",
    cafile: "cafile",
    proxy: "proxy",
    "https-proxy": "https_proxy",
    noproxy: "noproxy",
  };
  const { status, stdout } = spawnSync("npm", ["config", "list", "--long", "--json"], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  if (status !== 0) return {};
  const npm = JSON.parse(stdout);
  const handed = {};
  for (const [name, ours] of Object.entries(names)) {
    const value = Array.isArray(npm[name]) ? npm[name].join(",") : npm[name];
    if (typeof value === "string" && value !== "") handed[`pnpm_config_${ours}`] = value;
  }
  return handed;
}

/** Runs pnpm with `args` in `cwd` and answers its exit code; `options` go to `spawn`. */
export function pnpm(args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn("npx", ["-y", `pnpm@${VERSION}`, ...args], {
      cwd: root,
      stdio: "inherit",
      ...options,
      env: { ...settingsOfNpm(), ...(options.env ?? process.env) },
    });
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(code ?? (signal === null ? 1 : 130)));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = await pnpm(process.argv.slice(2), { cwd: process.cwd() });
}
