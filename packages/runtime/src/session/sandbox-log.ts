import { toRuntimeError, type SandboxLog } from "@hhopkins/agent-runtime-protocol";
import type { SessionKey } from "../persistence/session-store.ts";
import { RUNNER_PATHS } from "../sandbox/port.ts";
import type { SessionParts } from "./session-parts.ts";
import type { RunningSandbox } from "./supervised-session.ts";

const MOST_BYTES = 64 * 1024;
const MOST_LINES = 500;
const DEADLINE_MS = 5_000;
/** Of a file, and of nothing else that may stand in its place. */
const TAIL = `cd "$${RUNNER_PATHS.state}" && [ -f runner.log ] || exit 0; exec tail -c ${MOST_BYTES} < runner.log`;

/** A session as far as its log is read; undefined: it is not in memory. */
export type LoggingSession = { readonly key: SessionKey; readonly running: RunningSandbox | undefined } | undefined;

/**
 * The last lines of what the runner in a session's sandbox wrote of its work, read out of the sandbox: so they are there
 * after a restart of this server, and also where the runner hangs. The agent can write there too. Never rejects.
 */
export async function readSandboxLog(
  { gatewayVariables, masked }: Pick<SessionParts, "gatewayVariables" | "masked">,
  session: LoggingSession,
): Promise<SandboxLog> {
  const running = session?.running;
  if (session === undefined || running === undefined)
    return { lines: [], reason: "No sandbox of it runs: what its runner wrote has gone with the sandbox." };
  try {
    const variables = await gatewayVariables(session.key);
    const secrets = [running.stored.token, ...Object.values(variables)];
    const lines = shownLines(masked(await tail(running.sandbox), secrets));
    return lines.length === 0 ? { lines, reason: "Its runner has written nothing yet." } : { lines };
  } catch (error) {
    return { lines: [], reason: `It could not be read: ${toRuntimeError(error).message}` };
  }
}

async function tail(sandbox: RunningSandbox["sandbox"]): Promise<string> {
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(DEADLINE_MS)]);
  const process = await sandbox.exec(["/bin/sh", "-c", TAIL], { cwd: "/", signal });
  process.stdin.end();
  process.stderr.resume();
  try {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of process.stdout as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.byteLength;
      if (bytes >= MOST_BYTES) break;
    }
    signal.throwIfAborted();
    return Buffer.concat(chunks).toString("utf8");
  } finally {
    stop.abort();
  }
}

/** Without what could move a terminal's cursor, and without the piece of a line that the cut left. */
function shownLines(text: string): string[] {
  // eslint-disable-next-line no-control-regex -- these are what a log of a stranger must not bring in
  const lines = text.replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "").split("\n");
  const whole = Buffer.byteLength(text) >= MOST_BYTES - 4 ? lines.slice(1) : lines;
  return whole.filter((line) => line !== "").slice(-MOST_LINES);
}
