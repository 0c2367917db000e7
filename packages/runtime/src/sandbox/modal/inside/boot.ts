/**
 * The sandbox's main program: makes its folders and runs the runner, as the agent's user where it can. The runner's end
 * is the sandbox's. Bundled into one file.
 */
import { spawn } from "node:child_process";
import { chmodSync, chownSync, closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { agentUser, nameAgentUser } from "./agent-user.ts";
import { INSIDE, insideVariables } from "./paths.ts";

const user = agentUser();
if (user !== undefined) nameAgentUser(INSIDE.home);
for (const folder of [INSIDE.workspace, INSIDE.home, INSIDE.state]) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (user === undefined) continue;
  chownSync(folder, user.uid, user.gid);
}
for (const folder of [INSIDE.sockets, INSIDE.bridges]) {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o755);
}
const log = openSync(join(INSIDE.state, "output.log"), "a", 0o600);
const runner = spawn(process.execPath, [INSIDE.runner], {
  cwd: INSIDE.workspace,
  env: insideVariables(process.env),
  stdio: ["ignore", log, log],
  detached: true,
  ...user,
});
closeSync(log);
runner.once("error", (error) => {
  process.stderr.write(`boot: the runner cannot be started: ${error.message}\n`);
  process.exit(127);
});
runner.once("exit", (code, signal) => {
  process.exit(code ?? (signal === "SIGKILL" ? 137 : 143));
});
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => runner.kill(signal));
