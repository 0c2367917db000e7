import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { bash, prompt } from "../testing/prompts.ts";
import type { Address, Counts } from "./counts.ts";
import { watch } from "./visitor.ts";

export interface TalkOptions {
  readonly address: Address;
  readonly counts: Counts;
  readonly key: string;
  readonly signal: AbortSignal;
  readonly sessionId: string;
  readonly turns: number;
  /** From a turn to the next message. */
  readonly pauseMs: number;
}

/** A message that has no turn after so long is a fault. */
const PATIENCE_MS = 180_000;

/** Some turns on one session, each sent until it is accepted, by a person who looks on all the while. */
export async function talk(options: TalkOptions): Promise<void> {
  const { counts, signal, sessionId } = options;
  const leaving = new AbortController();
  const ends = new Map<string, PromiseWithResolvers<string>>();
  const onTurn = ({ messageIds, end }: { messageIds: string[]; end: string }): void => {
    for (const id of messageIds) ends.get(id)?.resolve(end);
  };
  const choose = (): string => sessionId;
  const watching = watch({ ...options, signal: AbortSignal.any([signal, leaving.signal]), choose, onTurn }, sessionId);
  for (let turn = 0; turn < options.turns && !signal.aborted; turn++) {
    const messageId = randomUUID();
    const end = Promise.withResolvers<string>();
    ends.set(messageId, end);
    await send(options, messageId, content(turn));
    const late = delay(PATIENCE_MS, "late", { signal: leaving.signal }).catch(() => "late");
    const status = await Promise.race([end.promise, late, stopped(signal)]);
    if (signal.aborted) break;
    if (status === "completed") counts.turns += 1;
    else if (status === "failed sandbox_lost" && counts.lostTurns < counts.sandboxKills) counts.lostTurns += 1;
    else counts.failed.push(`${sessionId} ${messageId}: ${status}`);
    await delay(options.pauseMs, undefined, { signal }).catch(() => undefined);
  }
  leaving.abort();
  await watching;
}

function content(turn: number): string {
  const command = `echo turn ${turn} >> notes.txt && seq 200`;
  return prompt(
    "Take a note.",
    { text: "I take a note. ".repeat(10), tools: [bash(command)] },
    { text: "It is taken. ".repeat(20) },
  );
}

function stopped(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve("stopped"), { once: true }));
}

/** The same message until a server has taken it. */
async function send({ address, key, signal, sessionId }: TalkOptions, messageId: string, text: string): Promise<void> {
  const headers = { "x-api-key": key, "content-type": "application/json" };
  const body = JSON.stringify({ messageId, content: text });
  while (!signal.aborted) {
    const response = await fetch(`${address.url}/sessions/${sessionId}/message`, {
      method: "POST",
      headers,
      body,
    }).catch(() => null);
    await response?.arrayBuffer().catch(() => undefined);
    if (response?.status === 202) return;
    await delay(300);
  }
}
