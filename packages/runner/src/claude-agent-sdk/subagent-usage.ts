import type { EntryBody } from "@hhopkins/agent-runtime-protocol";
import { asObject, stringOf } from "./content.ts";
import { createModelPrices } from "./model-prices.ts";
import type { NativeMessage, NativeModelUsage } from "./native.ts";
import { addSpent, NOTHING_SPENT, usageOf, type Spent } from "./usage.ts";

/**
 * What each subagent uses. The harness's results have only sums of all agents, by model; but its transcript has the
 * final usage of every answer, and whose it is.
 */
export interface SubagentUsage {
  /** Lines that the harness appends to its transcript under `key`. */
  appended(key: string, entries: readonly unknown[]): void;
  /** What came together since the last call, by subagent. `result`: what the harness counted by now. */
  take(result?: NativeMessage): EntryBody[];
  /** As `take`; and no answer that was counted comes again. */
  endTurn(): EntryBody[];
}

interface Answer {
  readonly task: string;
  readonly models: readonly (string | undefined)[];
  readonly usage: NativeModelUsage;
}

/** @param idOf the subagent that the harness calls so. */
export function createSubagentUsage(idOf: (task: string) => string | undefined): SubagentUsage {
  /** By message id: each content block of an answer is a line that carries the usage of the whole. */
  const answers = new Map<string, Answer>();
  /** Ids of answers that were counted. */
  const counted = new Set<string>();
  const prices = createModelPrices();

  function note(task: string, line: unknown): void {
    const { type, message, requestedModel } = asObject(line);
    if (type !== "assistant") return;
    const { id, usage, model } = asObject(message);
    const messageId = stringOf(id);
    if (messageId === undefined || usage === undefined || counted.has(messageId)) return;
    answers.set(messageId, { task, models: [stringOf(model), stringOf(requestedModel)], usage: fromApi(usage) });
  }

  function take(result?: NativeMessage): EntryBody[] {
    if (result !== undefined) prices.learn(result);
    const sums = new Map<string, Spent>();
    for (const [messageId, answer] of answers) {
      const subagentId = idOf(answer.task);
      if (subagentId === undefined) continue;
      counted.add(messageId);
      answers.delete(messageId);
      const spent = { usage: usageOf(answer.usage), costUSD: prices.cost(answer.models, answer.usage) };
      sums.set(subagentId, addSpent(sums.get(subagentId) ?? NOTHING_SPENT, spent));
    }
    return [...sums].map(([subagentId, spent]) => ({ kind: "subagent:usage", subagentId, ...spent }));
  }

  return {
    appended(key, entries) {
      const task = /\/subagents\/agent-(.+)$/.exec(key)?.[1];
      if (task !== undefined) for (const entry of entries) note(task, entry);
    },
    take,
    endTurn() {
      const bodies = take();
      answers.clear();
      counted.clear();
      return bodies;
    },
  };
}

/** As the model's API says it. */
function fromApi(usage: unknown): NativeModelUsage {
  const said = asObject(usage);
  const count = (value: unknown): number => (Number.isSafeInteger(value) ? Math.max(0, value as number) : 0);
  return {
    inputTokens: count(said["input_tokens"]),
    outputTokens: count(said["output_tokens"]),
    cacheReadInputTokens: count(said["cache_read_input_tokens"]),
    cacheCreationInputTokens: count(said["cache_creation_input_tokens"]),
    cacheCreationEphemeral1hInputTokens: count(asObject(said["cache_creation"])["ephemeral_1h_input_tokens"]),
    thinkingTokens: count(asObject(said["output_tokens_details"])["thinking_tokens"]),
  };
}
