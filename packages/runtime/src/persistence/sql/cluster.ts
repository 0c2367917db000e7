import type { ClusterStore, SessionKey, StoredSandbox } from "../session-store.ts";
import { noSession, nodeNotAlive } from "../store-errors.ts";
import { sqlCommands } from "./commands.ts";
import type { SqlWords } from "./dialect.ts";
import { ofSession, type DatabaseClock } from "./database-clock.ts";
import { sqlNodes } from "./nodes.ts";
import { decodeJson } from "./rows.ts";
import type { Db } from "./schema.ts";

/** Sessions that one statement asks for. */
const KEYS_PAGE = 200;
/** A claim that found a holder which was gone a moment later is tried again. */
const CLAIM_TRIES = 5;

/** What is behind every statement: the database, its words and its clock. */
export interface ClusterDb {
  readonly db: Db;
  readonly words: SqlWords;
  readonly clock: DatabaseClock;
}

/** Leases in the logs' own rows, nodes and commands in tables of their own; all times are the database's. */
export function sqlCluster(parts: ClusterDb): Omit<ClusterStore, "bus"> {
  const { db } = parts;
  return {
    ...sqlNodes(parts),
    ...sqlCommands(parts),
    claim: async (key, nodeId) => {
      for (let tries = 1; ; tries += 1) {
        const lease = await claim(parts, key, nodeId);
        if (lease !== null) return lease;
        if (tries === CLAIM_TRIES) throw new Error(`session ${key.sessionId} changes hands all the time`);
      }
    },
    lease: (key) => livingLease(parts, key),
    release: async (key, { nodeId, fence }) => {
      await ofSession(db.updateTable("logs").set({ node_id: null, fence: fence + 1 }), key)
        .where("node_id", "=", nodeId)
        .where("fence", "=", fence)
        .execute();
    },
    leases: async (nodeId) => {
      const rows = await db
        .selectFrom("logs")
        .select(["tenant", "session_id", "fence"])
        .where("node_id", "=", nodeId)
        .execute();
      return rows.map(({ tenant, session_id: sessionId, fence }) => ({ tenant, sessionId, fence }));
    },
    abandoned: (limit) => abandoned(parts, limit),
    tails: (keys) => tails(parts, keys),
  };
}

/** null: the holder went away between two looks. */
async function claim(
  { db, words, clock }: ClusterDb,
  key: SessionKey,
  nodeId: string,
): Promise<{ nodeId: string; fence: number } | null> {
  return await db.transaction().execute(async (trx) => {
    // The row is locked first, so that who lives is looked up after whoever was faster is done.
    const log = await ofSession(trx.selectFrom("logs").select("fence"), key)
      .$if(words.locksRows, (query) => query.forUpdate())
      .executeTakeFirst();
    if (log === undefined) throw noSession(key.sessionId);
    if (!(await clock.lives(trx, nodeId))) throw nodeNotAlive(nodeId);
    const holder = await ofSession(trx.selectFrom("logs").select("node_id"), key)
      .where(clock.holderLives)
      .executeTakeFirst();
    if (holder !== undefined) return holder.node_id === null ? null : { nodeId: holder.node_id, fence: log.fence };
    const fence = log.fence + 1;
    await ofSession(trx.updateTable("logs").set({ node_id: nodeId, fence }), key).execute();
    return { nodeId, fence };
  });
}

async function livingLease(
  { db, clock }: ClusterDb,
  key: SessionKey,
): Promise<{ nodeId: string; fence: number } | null> {
  const row = await ofSession(db.selectFrom("logs").select(["node_id", "fence"]), key)
    .where(clock.holderLives)
    .executeTakeFirst();
  return row === undefined || row.node_id === null ? null : { nodeId: row.node_id, fence: row.fence };
}

async function abandoned(
  { db, clock }: ClusterDb,
  limit: number,
): Promise<(SessionKey & { sandbox: StoredSandbox | null })[]> {
  const wanted = db
    .selectFrom("sessions")
    .select(["tenant", "session_id"])
    .where("loaded", "=", 1)
    .union(db.selectFrom("sandboxes").select(["tenant", "session_id"]))
    .union(db.selectFrom("commands").select(["tenant", "session_id"]).where(clock.isValid("commands.valid_until")))
    .as("wanted");
  const rows = await db
    .selectFrom(wanted)
    .innerJoin("logs", (join) =>
      join.onRef("logs.tenant", "=", "wanted.tenant").onRef("logs.session_id", "=", "wanted.session_id"),
    )
    .leftJoin("sandboxes", (join) =>
      join.onRef("sandboxes.tenant", "=", "wanted.tenant").onRef("sandboxes.session_id", "=", "wanted.session_id"),
    )
    .select(["wanted.tenant", "wanted.session_id", "sandboxes.sandbox"])
    .where((eb) => eb.not(clock.holderLives))
    .limit(limit)
    .execute();
  return rows.map(({ tenant, session_id: sessionId, sandbox }) => ({
    tenant,
    sessionId,
    sandbox: sandbox === null ? null : decodeJson<StoredSandbox>(sandbox, `session ${sessionId}`),
  }));
}

async function tails({ db }: ClusterDb, keys: readonly SessionKey[]): Promise<(number | null)[]> {
  const found = new Map<string, number>();
  const name = (tenant: string, sessionId: string): string => JSON.stringify([tenant, sessionId]);
  for (const [tenant, ids] of pages(keys)) {
    const rows = await db
      .selectFrom("logs")
      .select(["session_id", "last_seq"])
      .where("tenant", "=", tenant)
      .where("session_id", "in", ids)
      .execute();
    for (const row of rows) found.set(name(tenant, row.session_id), row.last_seq);
  }
  return keys.map(({ tenant, sessionId }) => found.get(name(tenant, sessionId)) ?? null);
}

/** The keys by tenant, so many at a time. */
function pages(keys: readonly SessionKey[]): [tenant: string, ids: string[]][] {
  const byTenant = new Map<string, string[]>();
  for (const { tenant, sessionId } of keys) byTenant.set(tenant, [...(byTenant.get(tenant) ?? []), sessionId]);
  return [...byTenant].flatMap(([tenant, ids]) =>
    Array.from({ length: Math.ceil(ids.length / KEYS_PAGE) }, (_unused, page): [string, string[]] => [
      tenant,
      ids.slice(page * KEYS_PAGE, (page + 1) * KEYS_PAGE),
    ]),
  );
}
