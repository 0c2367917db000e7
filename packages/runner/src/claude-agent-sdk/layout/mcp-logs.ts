import { appendFile, mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";

/** What MCP servers that are processes say on standard error, a file each, and with what they ended. */
export interface McpLogs {
  /** A command that runs `command` and keeps what it says. */
  keeping(server: string, command: string, args: readonly string[]): { command: string; args: string[] };
  /** Keeps a line of what is known of a server that is no process of ours. */
  note(server: string, line: string): void;
  /** The end of what it said and its exit code; empty where nothing is known. */
  lastWords(server: string): Promise<{ words: string; code?: string }>;
}

const LINES = 5;
const CHARS = 1000;

/**
 * Standard output is the protocol, so only standard error is kept. The shell passes the harness's signals on, and
 * outlives the server to say how it ended. What a shell starts behind its back has no standard input unless it is given by
 * another number.
 */
const KEEP = `log=$1; shift; rm -f "$log.ended"; exec 3<&0
"$@" <&3 3<&- 2>>"$log" & pid=$!
trap 'kill "$pid" 2>/dev/null' TERM INT HUP
wait "$pid"; code=$?
kill -0 "$pid" 2>/dev/null && { wait "$pid"; code=$?; }
echo "$code" >"$log.ended"; exit "$code"`;

export async function openMcpLogs(folder: string): Promise<McpLogs> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const fileOf = (server: string): string => join(folder, `${server}.log`);
  return {
    keeping: (server, command, args) => ({
      command: "sh",
      args: ["-c", KEEP, "mcp", fileOf(server), command, ...args],
    }),
    note: (server, line) => void appendFile(fileOf(server), `${line}\n`).catch(() => undefined),
    async lastWords(server) {
      const [said, code] = await Promise.all([
        readFile(fileOf(server), "utf8").catch(() => ""),
        readFile(`${fileOf(server)}.ended`, "utf8").catch(() => ""),
      ]);
      const words = said.trimEnd().split("\n").slice(-LINES).join("\n").slice(-CHARS);
      return { words, ...(code === "" ? {} : { code: code.trim() }) };
    },
  };
}
