import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { Id, TurnError, encodeLine } from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";

/** How a command was answered. */
export const CommandResult = z.object({ ok: z.boolean(), data: z.unknown().optional(), error: TurnError.optional() });
export type CommandResult = z.infer<typeof CommandResult>;

const Line = CommandResult.extend({ id: Id });

/** The commands that were taken, with their answers. */
export interface CommandLedger {
  get(id: string): CommandResult | undefined;
  /** `keep`: on disk too, before the answer goes out; others are known to this process alone. */
  put(id: string, result: CommandResult, keep: boolean): void;
}

export interface CommandLedgerLimits {
  /** Newest commands that are kept on disk. */
  readonly kept?: number;
  /** Newest commands beside them that are known in memory: a workspace is put by one command a file or more. */
  readonly passing?: number;
}

export function openCommandLedger(file: string, limits: CommandLedgerLimits = {}): CommandLedger {
  const { kept: limit = 1_000, passing: passingLimit = 100_000 } = limits;
  const results = new Map<string, CommandResult>();
  const passing = new Map<string, CommandResult>();
  let linesInFile = 0;
  for (const { id, ...result } of readLines(file)) remember(results, limit, { id, result });
  rewrite();

  function rewrite(): void {
    const lines = [...results].map(([id, result]) => encodeLine({ id, ...result }));
    writeFileSync(`${file}.new`, lines.join(""), { mode: 0o600 });
    renameSync(`${file}.new`, file);
    linesInFile = lines.length;
  }

  return {
    get: (id) => results.get(id) ?? passing.get(id),
    put(id, result, keep) {
      if (!keep) return remember(passing, passingLimit, { id, result });
      remember(results, limit, { id, result });
      appendFileSync(file, encodeLine({ id, ...result }));
      linesInFile++;
      if (linesInFile > limit * 2) rewrite();
    },
  };
}

type Taken = { id: string; result: CommandResult };

function remember(among: Map<string, CommandResult>, limit: number, { id, result }: Taken): void {
  among.delete(id);
  among.set(id, result);
  for (const oldest of among.keys()) {
    if (among.size <= limit) break;
    among.delete(oldest);
  }
}

/** A torn or foreign line is left out. */
function readLines(file: string): z.infer<typeof Line>[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line) => {
      try {
        return [Line.parse(JSON.parse(line))];
      } catch {
        return [];
      }
    });
}
