import { sqlitePersistence } from "@hhopkins/agent-runtime/persistence/sqlite";
import {
  initialState,
  MAIN_CONVERSATION,
  reduce,
  type ConversationBlock,
  type EventDraft,
  type SessionEvent,
} from "@hhopkins/agent-runtime-protocol";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

const AT = "2026-11-20T09:00:00.000Z";
/** Events of one write. */
const BATCH = 2000;

export interface SeededSession {
  readonly sessionId: string;
  readonly name?: string;
  /** What happened after it was made. */
  readonly events: readonly EventDraft[];
}

/** Puts sessions into the store of a server that does not run yet, as if it had written them. */
export async function seedSessions(folder: string, sessions: readonly SeededSession[]): Promise<void> {
  await mkdir(join(folder, "data"), { recursive: true });
  const adapter = sqlitePersistence({ file: join(folder, "data", "agent-runtime.db") });
  await adapter.open?.();
  for (const session of sessions) await seed(adapter.store, session);
  await adapter.close?.();
}

type Store = ReturnType<typeof sqlitePersistence>["store"];

async function seed(store: Store, { sessionId, name, events: drafts }: SeededSession): Promise<void> {
  const record = {
    sessionId,
    type: "claude-agent-sdk",
    agentProfileReference: "default",
    createdAt: AT,
    lastActivity: AT,
    ...(name === undefined ? {} : { name }),
  };
  const key = { tenant: "default", sessionId };
  const made: EventDraft = { type: "session:created", data: { sessionId, session: record } };
  const events = [made, ...drafts].map((draft, index): SessionEvent => ({ seq: index + 1, at: AT, ...draft }));
  const snapshot = events.reduce(reduce, initialState(sessionId, sessionId));
  const batches = Array.from({ length: Math.ceil(events.length / BATCH) }, (_, index) =>
    events.slice(index * BATCH, (index + 1) * BATCH),
  );
  for (const [index, batch] of batches.entries()) {
    const write = {
      events: batch,
      blocks: batch.flatMap(blockWrites),
      ...(index === batches.length - 1 ? { snapshot } : {}),
    };
    if (index === 0) await store.create({ ...key, record, logId: sessionId, first: write });
    else {
      const [fault] = await store.append([{ ...key, expectedSeq: index * BATCH, ...write }]);
      if (fault instanceof Error) throw fault;
    }
  }
}

function blockWrites(event: SessionEvent): {
  conversationId: string;
  blockId: string;
  position: number;
  block: ConversationBlock;
}[] {
  if (event.type !== "session:block:start" && event.type !== "session:block:complete") return [];
  const { conversationId, block } = event.data;
  return [{ conversationId, blockId: block.id, position: event.seq, block }];
}

/** Blocks that begin and are complete. */
export function saidBlocks(
  sessionId: string,
  blocks: readonly ConversationBlock[],
  conversationId: string = MAIN_CONVERSATION,
): EventDraft[] {
  return blocks.flatMap((block): EventDraft[] => [
    { type: "session:block:start", data: { sessionId, conversationId, block } },
    {
      type: "session:block:complete",
      data: { sessionId, conversationId, blockId: block.id, block },
    },
  ]);
}

type BlockType = ConversationBlock["type"];

/** A block of a kind, with a time that no test looks at. */
export function blockOf<T extends BlockType>(
  type: T,
  id: string,
  rest: Omit<Extract<ConversationBlock, { type: T }>, "type" | "id" | "timestamp">,
): ConversationBlock {
  return { type, id, timestamp: AT, ...rest } as unknown as ConversationBlock;
}
