import type { BlockUpdates, ConversationBlock } from "../blocks.ts";
import type { EventData, EventDraft } from "../events.ts";
import { reduceAll } from "./reduce.ts";
import type { SessionState, SubagentState } from "./state.ts";

type Rewound = EventData<"session:rewound">;
type Conversation = Pick<SubagentState, "blocks" | "blocksBefore">;

/** Fields that an update can give a block. */
const UPDATED: ReadonlySet<string> = new Set<keyof BlockUpdates>([
  "content",
  "input",
  "status",
  "isError",
  "durationMs",
  "output",
  "progress",
  "message",
  "code",
]);

/** A block and where it stands. */
export interface PlacedBlock {
  readonly conversationId: string;
  readonly block: ConversationBlock;
}

export interface RewindTarget {
  readonly turnId: string;
  /** Blocks that began since and are still there. */
  readonly later: readonly PlacedBlock[];
  /** Earlier blocks that have changed since, whole, as they were. */
  readonly changed: readonly PlacedBlock[];
}

/**
 * The events that bring the conversations of `now` back to what they were in `then`, an earlier state of the same log.
 * Blocks are taken back as every client knows it; the last event, `session:rewound`, says so, and brings what had
 * left the window meanwhile.
 */
export function rewindEvents(now: SessionState, then: SessionState, target: RewindTarget): EventDraft[] {
  const { sessionId } = now;
  const { turnId, later, changed } = target;
  const taken = later.map(({ conversationId, block }) => ({
    conversationId,
    block: { ...emptied(block), retracted: true },
  }));
  const back = [
    ...taken.map((placed) => completed(sessionId, placed)),
    // A complete has the fields of the block's type; an update may have given it others.
    ...changed.flatMap((placed) => [completed(sessionId, placed), updated(sessionId, placed)]),
  ];
  const left = reduceAll(
    now,
    back.map((draft, index) => ({ ...draft, seq: now.lastSeq + index + 1, at: now.createdAt })),
  );
  const { lastTurn, allowedTools } = then;
  const data: Rewound = {
    sessionId,
    turnId,
    ...windowOf(left, then),
    subagents: then.subagents.map((subagent) => {
      const { blocks: _blocks, blocksBefore: _before, ...kept } = subagent;
      const known = left.subagents.find(({ id }) => id === kept.id) ?? { blocks: [] };
      return { ...kept, ...windowOf(known, subagent) };
    }),
    ...(lastTurn === undefined ? {} : { lastTurn }),
    ...(allowedTools === undefined ? {} : { allowedTools: [...allowedTools] }),
  };
  return [...back, { type: "session:rewound", data }];
}

function completed(sessionId: string, { conversationId, block }: PlacedBlock): EventDraft {
  return { type: "session:block:complete", data: { sessionId, conversationId, blockId: block.id, block } };
}

function updated(sessionId: string, { conversationId, block }: PlacedBlock): EventDraft {
  const updates = Object.fromEntries(Object.entries(block).filter(([name]) => UPDATED.has(name)));
  return { type: "session:block:update", data: { sessionId, conversationId, blockId: block.id, updates } };
}

/** What `left` has to be told to be as `then`; nothing where it is already. What stands in it still is its end. */
function windowOf(left: Conversation, then: Conversation): { window?: NonNullable<Rewound["window"]> } {
  const { blocks, blocksBefore } = then;
  const keep = commonEnd(left.blocks, blocks);
  if (left.blocksBefore === blocksBefore && keep === blocks.length && keep === left.blocks.length) return {};
  const missing = blocks.slice(0, blocks.length - keep);
  return { window: { blocks: missing, keep, ...(blocksBefore === undefined ? {} : { before: blocksBefore }) } };
}

/** How many blocks at the end of both are the same. */
function commonEnd(a: readonly ConversationBlock[], b: readonly ConversationBlock[]): number {
  let count = 0;
  while (count < a.length && count < b.length) {
    const [one, other] = [a[a.length - count - 1], b[b.length - count - 1]];
    if (one !== other && JSON.stringify(one) !== JSON.stringify(other)) break;
    count += 1;
  }
  return count;
}

/** A block of the same kind that says nothing. */
export function emptied(block: ConversationBlock): ConversationBlock {
  switch (block.type) {
    case "tool_use": {
      const { partialInput: _partial, ...rest } = block;
      return { ...rest, input: {}, status: "error" };
    }
    case "subagent": {
      const { input: _input, output: _output, ...rest } = block;
      return rest;
    }
    case "error":
      return { ...block, message: "" };
    case "user_message":
    case "assistant_text":
    case "thinking":
    case "tool_result":
    case "system":
      return { ...block, content: "" };
    default:
      return block;
  }
}
