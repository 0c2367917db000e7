import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
/** A user that nobody is. */
const UID = "54321";
const AS_USER = ["--reuid", UID, "--regid", UID, "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"];

/** Root of namespaces of its own and nobody outside: what a container without privileges is. */
const AS_CONTAINER = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--mount-proc"];
export type Stranger = "ordinary user" | "unprivileged container";

function commandOf(stranger: Stranger, command: readonly string[]): readonly string[] {
  const user = process.getuid?.() === 0 ? ["setpriv", ...AS_USER] : [];
  return [...user, ...(stranger === "unprivileged container" ? AS_CONTAINER : []), ...command];
}

/** Why programs cannot be run like this here; null: they can. */
export function whyNotAs(stranger: Stranger): string | null {
  const [program = "", ...rest] = commandOf(stranger, ["test", "-r", import.meta.filename]);
  try {
    execFileSync(program, rest, { stdio: "ignore" });
    return null;
  } catch {
    return "needs setpriv and unshare (util-linux), user namespaces, and a checkout that every user can read";
  }
}

/** Runs a program of ours, whoever runs the tests; answers what it writes, as JSON. */
export async function runAs(stranger: Stranger, file: string): Promise<unknown> {
  const [program = "", ...rest] = commandOf(stranger, [process.execPath, "--no-warnings", file]);
  const { stdout } = await run(program, rest, { env: { PATH: process.env["PATH"] ?? "", HOME: "/" }, cwd: "/" });
  return JSON.parse(stdout);
}
