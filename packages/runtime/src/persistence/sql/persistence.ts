import { RuntimeError, type AgentProfile } from "@hhopkins/agent-runtime-protocol";
import { Kysely } from "kysely";
import { guardedCall, guardedStore, type StoreGuard } from "../guarded-store.ts";
import { keptProfiles } from "../kept-profiles.ts";
import { nineMethods, type RawTranscripts } from "../nine-methods.ts";
import type { PersistenceAdapter } from "../port.ts";
import type { ClusterStore, SessionStore } from "../session-store.ts";
import { notOpen } from "../store-errors.ts";
import type { SqlDialect } from "./dialect.ts";
import { migrate } from "./migrate.ts";
import { sqlProfiles } from "./profiles.ts";
import { sqlRawTranscripts } from "./raw-transcripts.ts";
import { finishRemovals } from "./removal.ts";
import { retried } from "./retried.ts";
import type { Db, Tables } from "./schema.ts";
import { sqlStore } from "./store.ts";

interface Opened {
  readonly db: Db;
  readonly store: SessionStore;
  readonly rawTranscripts: RawTranscripts;
}

/** A persistence adapter on an SQL database: open it, migrate it, keep sessions in it. */
export function sqlPersistence(
  dialect: SqlDialect,
  profiles: readonly AgentProfile[],
): PersistenceAdapter & { readonly store: SessionStore } {
  let opened: Opened | null = null;
  const need = (): Opened => {
    if (opened === null) throw notOpen();
    return opened;
  };
  const check = (): void => {
    need();
    dialect.verify?.();
  };
  const isTransient = dialect.isTransient?.bind(dialect);
  const guard: StoreGuard = {
    check,
    explain: dialect.explain,
    ...(isTransient === undefined ? {} : { around: (work) => retried(isTransient, work) }),
    // What was asked over a connection that is no more is asked over another one.
    aroundRead: (work) =>
      retried((error) => isTransient?.(error) === true || dialect.isConnectionLost?.(error) === true, work),
  };
  const store = guardedStore(storeOf(need, dialect), guard);
  const call = guardedCall(guard);
  const rawTranscripts: RawTranscripts = {
    save: call((key: Parameters<RawTranscripts["save"]>[0], text: string) => need().rawTranscripts.save(key, text)),
    load: call((key: Parameters<RawTranscripts["load"]>[0]) => need().rawTranscripts.load(key)),
  };
  return {
    ...nineMethods({ store, profiles, rawTranscripts }),
    ...keptProfiles(
      profiles,
      sqlProfiles(() => need().db, dialect),
      guard,
    ),
    store,
    open: async () => {
      opened ??= await open(dialect);
    },
    close: async () => {
      const closing = opened;
      opened = null;
      await closing?.db.destroy();
    },
  };
}

async function open(dialect: SqlDialect): Promise<Opened> {
  const db = new Kysely<Tables>({ dialect: await dialect.open() });
  try {
    await migrate(db, dialect);
    await finishRemovals(db, dialect.words);
  } catch (error) {
    await db.destroy().catch(() => undefined);
    const { code, message } = dialect.explain(error);
    const failed = code === "persistence_unavailable" ? (dialect.openFailure ?? code) : code;
    throw new RuntimeError(failed, message, { cause: error });
  }
  return { db, store: sqlStore(db, dialect), rawTranscripts: sqlRawTranscripts(db, dialect.words) };
}

/** The store of whatever is open when a method is called. */
function storeOf(need: () => Opened, { words, bus }: SqlDialect): SessionStore {
  return {
    create: (session) => need().store.create(session),
    append: (batches) => need().store.append(batches),
    events: (key, page) => need().store.events(key, page),
    compact: (key, compaction) => need().store.compact(key, compaction),
    head: (key) => need().store.head(key),
    blocks: (key, page) => need().store.blocks(key, page),
    block: (key, blockId) => need().store.block(key, blockId),
    files: (key) => need().store.files(key),
    checkpoints: (key, page) => need().store.checkpoints(key, page),
    filesAt: (key, seq) => need().store.filesAt(key, seq),
    blob: (key, sha256) => need().store.blob(key, sha256),
    blobSize: (key, sha256) => need().store.blobSize(key, sha256),
    transcript: (key) => need().store.transcript(key),
    message: (key, by) => need().store.message(key, by),
    list: (query) => need().store.list(query),
    claimed: () => need().store.claimed(),
    delete: (key) => need().store.delete(key),
    ...(words.nowMs === undefined ? {} : { cluster: clusterOf(need, bus) }),
  };
}

function clusterOf(need: () => Opened, bus: SqlDialect["bus"]): ClusterStore {
  const cluster = (): ClusterStore => {
    const { store } = need();
    if (store.cluster === undefined) throw notOpen();
    return store.cluster;
  };
  return {
    heartbeat: (node, ttlMs) => cluster().heartbeat(node, ttlMs),
    leave: (nodeId) => cluster().leave(nodeId),
    claim: (key, nodeId) => cluster().claim(key, nodeId),
    lease: (key) => cluster().lease(key),
    release: (key, lease) => cluster().release(key, lease),
    leases: (nodeId) => cluster().leases(nodeId),
    abandoned: (limit) => cluster().abandoned(limit),
    tails: (keys) => cluster().tails(keys),
    send: (command) => cluster().send(command),
    waiting: (nodeId, limit) => cluster().waiting(nodeId, limit),
    answer: (id, answer) => cluster().answer(id, answer),
    answers: (ids) => cluster().answers(ids),
    forget: (ids) => cluster().forget(ids),
    ...(bus === undefined ? {} : { bus }),
  };
}
