import { appendFileSync, readFileSync } from "node:fs";

const AGENT_ID = 1000;

/** The user that the agent runs as, where this process may choose; otherwise it is our own. */
export function agentUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0 || !isMapped("uid_map") || !isMapped("gid_map")) return undefined;
  return { uid: AGENT_ID, gid: AGENT_ID };
}

/** Programs ask for the name of their user, and some end where it has none. */
export function nameAgentUser(home: string): void {
  try {
    const lines = readFileSync("/etc/passwd", "utf8").split("\n");
    if (lines.some((line) => line.split(":")[2] === String(AGENT_ID))) return;
    appendFileSync("/etc/passwd", `agent:x:${AGENT_ID}:${AGENT_ID}::${home}:/bin/sh\n`);
  } catch {
    // An image that does not want it.
  }
}

/** A user namespace can have fewer users than the system has. */
function isMapped(file: string): boolean {
  try {
    return readFileSync(`/proc/self/${file}`, "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/).map(Number))
      .some(([first = Number.NaN, , length = 0]) => AGENT_ID >= first && AGENT_ID < first + length);
  } catch {
    return true;
  }
}
