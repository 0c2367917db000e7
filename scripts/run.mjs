// Runs one of our programs on the project's own Node, as if the caller were that program.
import { spawn, spawnSync } from "node:child_process";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { node } from "./install.mjs";
import { root } from "./pnpm.mjs";

/** One press of Ctrl-C arrives twice, from the terminal and from npm; a person's second press comes later than this. */
const SAME_PRESS_MS = 400;

/**
 * Runs Node with `args` and answers its exit code. SIGINT, SIGTERM and SIGHUP are passed on, each once: the child has a
 * process group of its own, so that a terminal's Ctrl-C reaches it through here alone.
 */
export function run(args, options = {}) {
  const child = spawn(node, args, {
    stdio: "inherit",
    detached: process.platform !== "win32",
    // What asks for "node" by name gets the same one.
    env: { ...process.env, PATH: [dirname(node), process.env.PATH].join(delimiter) },
    ...options,
  });
  const last = new Map();
  const forward = (signal) => {
    const now = Date.now();
    if (now - (last.get(signal) ?? 0) < SAME_PRESS_MS) return;
    last.set(signal, now);
    child.kill(signal === "SIGHUP" ? "SIGTERM" : signal);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, forward);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}

/** Installs the named system programs where they are missing, or says what to do. */
export function systemPackages(...programs) {
  spawnSync("sh", [join(root, "scripts", "system-packages.sh"), ...programs], { stdio: "inherit" });
}
