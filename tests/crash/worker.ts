import { ClientLog, type FollowedGround } from "./client-log.ts";
import { crashTurn, type CrashTurn } from "./crash-turn.ts";
import type { ModelLog } from "./model-log.ts";
import { reckon, type Reckoning } from "./reckoning.ts";

/** Where sessions work: one server, or several. */
export interface CrashGround extends FollowedGround {
  create(): Promise<string>;
  /** Sends until it is acknowledged, over any number of deaths. */
  send(sessionId: string, message: { messageId: string; content: string }): Promise<void>;
  /** Asks until a server says yes. */
  persist(method: string, path: string, body?: unknown): Promise<Response>;
  /** A file of the session as it lies in its newest sandbox, past everything that servers know; "" where there is none. */
  fileInSandbox(sessionId: string, path: string): Promise<string>;
}

/** A session that is given one turn after the other until it is told to finish. */
export interface Worker {
  readonly client: ClientLog;
  readonly turns: CrashTurn[];
  readonly hit: Set<string>;
  /** How often its sandbox was ended from outside: as many of its turns may have failed for that. */
  sandboxesEnded: number;
  readonly done: Promise<void>;
}

export async function startWorker(
  server: CrashGround,
  index: number,
  by: { random: () => number; over: AbortSignal },
): Promise<Worker> {
  const client = new ClientLog(server, await server.create());
  const turns: CrashTurn[] = [];
  async function work(): Promise<void> {
    while (!by.over.aborted) {
      // At times the next message is sent before the last one's turn is over.
      for (let more = true; more; more = by.random() < 0.2) {
        const turn = crashTurn(`s${index}-t${turns.length}`);
        turns.push(turn);
        await server.send(client.sessionId, { messageId: turn.mark, content: turn.content });
      }
      await client.until(() => client.ends.size === turns.length);
    }
  }
  return { client, turns, hit: new Set(), sandboxesEnded: 0, done: work() };
}

/** Compares the accounts when nothing moves any more. */
export async function settle(
  server: CrashGround,
  model: ModelLog,
  { client, turns, sandboxesEnded }: Worker,
): Promise<Reckoning> {
  const lost = turns.filter(({ mark }) => client.failures.get(mark) === "sandbox_lost").map(({ mark }) => mark);
  const doomed = new Set(lost.slice(0, sandboxesEnded));
  await server.persist("POST", `/sessions/${client.sessionId}/sync`);
  const ledger = await server.fileInSandbox(client.sessionId, "ledger.txt");
  const response = await server.persist("GET", `/sessions/${client.sessionId}`);
  const serverState = await response.text();
  const { lastSeq } = JSON.parse(serverState) as { lastSeq: number };
  await client.until(() => (client.state?.lastSeq ?? 0) >= lastSeq);
  return reckon({ turns, doomed, client, model, ledger, serverState });
}
