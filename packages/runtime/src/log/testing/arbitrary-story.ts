import { NO_USAGE, type ConversationBlock, type EventDraft } from "@hhopkins/agent-runtime-protocol";
import * as fc from "fast-check";

const SESSION = "s1";
const AT = "2026-01-02T03:04:05.678Z";

const text = fc.oneof(
  { weight: 8, arbitrary: fc.string({ unit: "binary", minLength: 1, maxLength: 12 }) },
  // Halves of characters that come together only when deltas do.
  { weight: 2, arbitrary: fc.constantFrom("\ud83d", "\ude00", "😀") },
  { weight: 1, arbitrary: fc.constantFrom("x".repeat(20_000), "😀".repeat(9000)) },
);

const kind = fc.constantFrom(
  ...(["start", "start", "delta", "delta", "delta", "update", "complete", "retract", "turn", "turn"] as const),
);

/** Something that happens in a session; what it means depends on what happened before. */
const step = fc.record({
  kind,
  pick: fc.nat(1000),
  text,
  times: fc.oneof(fc.constant(1), fc.nat(30), fc.constant(300)),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A session as it goes on: what each step makes of it, as events. */
export class Story {
  #open: { conversationId: string; block: ConversationBlock }[] = [];
  readonly #done: { conversationId: string; blockId: string }[] = [];
  #count = 0;

  /** The events that begin it. */
  begin(): EventDraft[] {
    const subagent = { id: "sub", name: "helper", status: "running" as const };
    return [{ type: "session:subagent:discovered", data: { sessionId: SESSION, subagent } }];
  }

  tell(one: Step): EventDraft[] {
    const open = this.#open[one.pick % Math.max(1, this.#open.length)];
    switch (one.kind) {
      case "start":
        return [this.#start(one.pick)];
      case "delta":
        return open === undefined ? [] : Array.from({ length: timesOf(one) }, () => grow(open, one.text));
      case "update":
        return this.#update(one.pick);
      case "complete":
        return open === undefined ? [] : [this.#complete(open, {})];
      case "retract":
        return open === undefined ? [] : [this.#complete(open, { retracted: true })];
      case "turn":
        return [...(one.pick % 5 === 0 ? this.#open.map((other) => this.#complete(other, {})) : []), turnEnd(one.pick)];
    }
  }

  #start(pick: number): EventDraft {
    this.#count += 1;
    const common = { id: `b:${this.#count}`, timestamp: AT };
    const conversationId = pick % 4 === 0 ? "sub" : "main";
    const block: ConversationBlock =
      pick % 3 === 0
        ? { type: "tool_use", ...common, toolName: "Bash", toolUseId: common.id, input: {}, status: "pending" }
        : { type: pick % 3 === 1 ? "assistant_text" : "thinking", ...common, content: "" };
    this.#open.push({ conversationId, block });
    return { type: "session:block:start", data: { sessionId: SESSION, conversationId, block } };
  }

  #update(pick: number): EventDraft[] {
    const known = [
      ...this.#done,
      ...this.#open.map(({ conversationId, block }) => ({ conversationId, blockId: block.id })),
    ];
    const at = known[pick % Math.max(1, known.length)];
    if (at === undefined) return [];
    return [{ type: "session:block:update", data: { sessionId: SESSION, ...at, updates: { durationMs: pick } } }];
  }

  #complete(open: { conversationId: string; block: ConversationBlock }, more: { retracted?: boolean }): EventDraft {
    this.#open = this.#open.filter((other) => other !== open);
    const { conversationId } = open;
    const block = { ...whole(open.block), ...more };
    this.#done.push({ conversationId, blockId: block.id });
    return { type: "session:block:complete", data: { sessionId: SESSION, conversationId, blockId: block.id, block } };
  }
}

/** Long texts come a few times only: many of them make a test slow, and nothing else. */
function timesOf({ text: { length }, times }: Step): number {
  return length > 100 ? Math.min(times, 3) : times;
}

function grow(open: { conversationId: string; block: ConversationBlock }, delta: string): EventDraft {
  const { block, conversationId } = open;
  if (block.type === "tool_use") open.block = { ...block, partialInput: (block.partialInput ?? "") + delta };
  else if ("content" in block) open.block = { ...block, content: block.content + delta } as ConversationBlock;
  return { type: "session:block:delta", data: { sessionId: SESSION, conversationId, blockId: block.id, delta } };
}

function whole(block: ConversationBlock): ConversationBlock {
  if (block.type !== "tool_use") return block;
  const { partialInput, ...rest } = block;
  return { ...rest, input: { command: partialInput ?? "" }, status: "success" };
}

function turnEnd(pick: number): EventDraft {
  const data = { sessionId: SESSION, turnId: `t${pick}`, messageIds: [], status: "completed" as const };
  return { type: "session:turn:completed", data: { ...data, usage: NO_USAGE, costUSD: 0 } };
}

/** What happens to a session, and meanwhile to those who follow it. */
export type Move =
  | { readonly move: "write"; readonly steps: readonly Step[] }
  | { readonly move: "read"; readonly client: number; readonly isSlow: boolean; readonly batches: number }
  | { readonly move: "cut" | "snapshot"; readonly client: number }
  | { readonly move: "compacted" | "restart" };

const client = fc.nat(3);

export const moves: fc.Arbitrary<readonly Move[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ move: fc.constant("write" as const), steps: fc.array(step, { maxLength: 12 }) }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        move: fc.constant("read" as const),
        client,
        isSlow: fc.boolean(),
        batches: fc.integer({ min: 1, max: 4 }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ move: fc.constantFrom("cut" as const, "snapshot" as const), client }) },
    { weight: 2, arbitrary: fc.record({ move: fc.constantFrom("compacted" as const, "restart" as const) }) },
  ),
  { minLength: 5, maxLength: 40, size: "max" },
);
