import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
/** A user that nobody is. */
const UID = "54321";
const AS_USER = ["--reuid", UID, "--regid", UID, "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"];

/** Why programs cannot be run as an ordinary user here; null: they can. */
export function whyNotAsUser(): string | null {
  if (process.getuid?.() !== 0) return null;
  try {
    execFileSync("setpriv", [...AS_USER, "test", "-r", import.meta.filename], { stdio: "ignore" });
    return null;
  } catch {
    return "needs setpriv (util-linux), and a checkout that every user can read";
  }
}

/** Runs a program of ours as an ordinary user, whoever runs the tests; answers what it writes, as JSON. */
export async function runAsUser(file: string, ...args: string[]): Promise<unknown> {
  const node = [process.execPath, "--no-warnings", file, ...args];
  const [program = "", ...rest] = process.getuid?.() === 0 ? ["setpriv", ...AS_USER, ...node] : node;
  const { stdout } = await run(program, rest, { env: { PATH: process.env["PATH"] ?? "", HOME: "/" }, cwd: "/" });
  return JSON.parse(stdout);
}
