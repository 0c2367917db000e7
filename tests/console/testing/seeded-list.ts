import { sqlitePersistence } from "@hhopkins/agent-runtime/persistence/sqlite";
import { initialState, reduce, type SessionEvent } from "@hhopkins/agent-runtime-protocol";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

const AT_ONCE = 500;
const MINUTE = 60_000;
const FIRST = Date.parse("2020-01-01T00:00:00.000Z");

/** Sessions `seeded-0` … of which nothing is known but that they were made, a minute apart, long ago. */
export async function seedList(folder: string, count: number): Promise<void> {
  await mkdir(join(folder, "data"), { recursive: true });
  const adapter = sqlitePersistence({ file: join(folder, "data", "agent-runtime.db") });
  await adapter.open?.();
  // Those that are written at once share a commit.
  for (let from = 0; from < count; from += AT_ONCE)
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, index) => seed(adapter.store, from + index)),
    );
  await adapter.close?.();
}

async function seed(store: ReturnType<typeof sqlitePersistence>["store"], index: number): Promise<void> {
  const sessionId = `seeded-${index}`;
  const at = new Date(FIRST + index * MINUTE).toISOString();
  const agentProfileReference = index % 3 === 0 ? "other" : "default";
  const name = `Kept work ${index}`;
  const record = { sessionId, type: "claude-agent-sdk", agentProfileReference, createdAt: at, name };
  const event: SessionEvent = { seq: 1, at, type: "session:created", data: { sessionId, session: record } };
  const snapshot = reduce(initialState(sessionId, sessionId), event);
  const key = { tenant: "default", sessionId };
  await store.create({ ...key, record, logId: sessionId, first: { events: [event], blocks: [], snapshot } });
}
