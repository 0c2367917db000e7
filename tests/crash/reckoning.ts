import type { ClientLog } from "./client-log.ts";
import type { CrashTurn } from "./crash-turn.ts";
import type { ModelLog } from "./model-log.ts";

/** What is compared after the last turn of a session. */
export interface Accounts {
  readonly turns: readonly CrashTurn[];
  /** Messages whose turn failed because its sandbox was ended. */
  readonly doomed?: ReadonlySet<string>;
  readonly client: ClientLog;
  readonly model: Pick<ModelLog, "answered">;
  /** `ledger.txt`, as the tools have left it. */
  readonly ledger: string;
  /** `GET /sessions/:id`, as it came. */
  readonly serverState: string;
}

/** What is not as it must be, in words. */
export interface Reckoning {
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  /** Turns that said and did everything. */
  readonly completed: number;
  /** Turns that ended otherwise, and how. */
  readonly short: readonly string[];
}

/** Compares what the tools did, what the model was asked and what a client saw; our log speaks only through the client. */
export function reckon({ turns, doomed = new Set(), client, model, ledger, serverState }: Accounts): Reckoning {
  const lost: string[] = [];
  const doubled: string[] = [...client.breaks];
  const short: string[] = [];
  const lines = tally(ledger.split("\n").filter((line) => line !== ""));
  const answered = model.answered();
  const once = (where: ReadonlyMap<string, number>, what: string, name = what): void => {
    const count = where.get(what) ?? 0;
    if (count === 0) lost.push(name);
    if (count > 1) doubled.push(`${name} (${count} times)`);
  };
  let completed = 0;
  for (const turn of turns) {
    const { mark } = turn;
    for (const what of ["message", "started", "completed"]) once(client.seen, `${what} ${mark}`);
    const said = client.seen.get(`text ${turn.text}`) === 1;
    const ended = client.ends.get(mark);
    if (ended === "completed" && said) completed += 1;
    else if (!doomed.has(mark)) short.push(`${mark} ended as ${ended}, ${said ? "with" : "without"} its last words`);
    // What it did just before its sandbox ended may be in neither account, or in one.
    if (doomed.has(mark)) continue;
    for (const line of turn.ledger) {
      const done = lines.get(line) ?? 0;
      const told = client.seen.get(`tool ${line}`) ?? 0;
      if (done > 1 || told > 1) doubled.push(`${line}: done ${done} times, told ${told} times`);
      else if (done !== told || (said && done === 0)) lost.push(`${line}: done ${done} times, told ${told} times`);
    }
    if (!said) continue;
    for (const what of [`text ${turn.text}`, `text ${mark} inner`, `file ${turn.file.path}`]) once(client.seen, what);
    for (const [of, count] of turn.steps) {
      for (let index = 0; index < count; index += 1)
        if (!answered.has(`${of} ${index}`)) lost.push(`the model never said step ${index} of ${of}`);
    }
    const file = client.state?.workspaceFiles.find(({ path }) => path === turn.file.path);
    if (file?.content !== undefined && file.content !== turn.file.content) lost.push(`bytes of ${turn.file.path}`);
  }
  const known = new Set(turns.flatMap((turn) => turn.ledger));
  for (const line of lines.keys()) if (!known.has(line)) doubled.push(`a line that nobody asked for: ${line}`);
  if (JSON.stringify(client.state) !== serverState)
    lost.push(`${client.sessionId}: the client's state is not the server's`);
  return { lost, doubled, completed, short };
}

function tally(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
