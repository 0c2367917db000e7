import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { Id, TurnError, encodeLine } from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";

/** How a command was answered. */
export const CommandResult = z.object({ ok: z.boolean(), data: z.unknown().optional(), error: TurnError.optional() });
export type CommandResult = z.infer<typeof CommandResult>;

const Line = CommandResult.extend({ id: Id });

/** The commands that were taken, with their answers: the newest `limit`, also after a restart. */
export interface CommandLedger {
  get(id: string): CommandResult | undefined;
  /** `keep`: on disk too, before the answer goes out. */
  put(id: string, result: CommandResult, keep: boolean): void;
}

export function openCommandLedger(file: string, limit = 1_000): CommandLedger {
  const results = new Map<string, CommandResult>();
  let linesInFile = 0;
  for (const { id, ...result } of readLines(file)) remember(id, result);
  rewrite();

  function remember(id: string, result: CommandResult): void {
    results.delete(id);
    results.set(id, result);
    for (const oldest of results.keys()) {
      if (results.size <= limit) break;
      results.delete(oldest);
    }
  }

  function rewrite(): void {
    const lines = [...results].map(([id, result]) => encodeLine({ id, ...result }));
    writeFileSync(`${file}.new`, lines.join(""), { mode: 0o600 });
    renameSync(`${file}.new`, file);
    linesInFile = lines.length;
  }

  return {
    get: (id) => results.get(id),
    put(id, result, keep) {
      remember(id, result);
      if (!keep) return;
      appendFileSync(file, encodeLine({ id, ...result }));
      linesInFile++;
      if (linesInFile > limit * 2) rewrite();
    },
  };
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
