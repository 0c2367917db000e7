import { RuntimeError, toRuntimeError } from "@hhopkins/agent-runtime-protocol";
import { encodeBatch, type EncodedBatch } from "../encoded-batch.ts";
import { sortTime } from "../list-cursor.ts";
import { NEVER_RUN_JSON } from "../session-overview.ts";
import type { RawTranscripts } from "../nine-methods.ts";
import type { AppendBatch, SessionKey, SessionStore } from "../session-store.ts";
import {
  compactsTail,
  knownMessage,
  noSession,
  sessionExists,
  staleFence,
  takenBefore,
  wrongSeq,
} from "../store-errors.ts";
import { decodeJson } from "../sql/rows.ts";
import { batchJson, batchWeight } from "./batch-json.ts";
import type { Rpc } from "./client.ts";
import { wroteNothing } from "./errors.ts";

/** Most bytes of one call: what stands between us and the database has limits of its own. */
const CALL_BYTES = 4_000_000;

/** Why the database took something not. */
type Refusal =
  | { readonly refused: "no_session" | "taken_before" | "exists" }
  | { readonly refused: "stale_fence"; readonly fence: number }
  | { readonly refused: "wrong_seq"; readonly last_seq: number }
  | { readonly refused: "known_message"; readonly message_id: string }
  | { readonly refused: "tail"; readonly last: number }
  | { readonly refused: "other_tenant"; readonly message: string }
  | { readonly refused: "failed"; readonly code: string; readonly message: string };

interface Write {
  readonly batch: EncodedBatch;
  readonly fence: number | undefined;
}

type Writes = Pick<SessionStore, "create" | "append" | "compact" | "delete">;

/** What writes sessions. Each call of it is one transaction. */
export function supabaseWrites(rpc: Rpc, explain: (error: unknown) => RuntimeError): Writes {
  return {
    create: (session) => create(rpc, session),
    append: (batches) => append({ rpc, explain }, batches),
    compact: async ({ tenant, sessionId }, { drop, upTo }) => {
      const ranges = drop.map(({ from, to }) => ({ first: from, last: to }));
      const args = { p_tenant: tenant, p_session: sessionId, p_drop: ranges, p_up_to: upTo };
      const refusal = (await rpc("compact", args)) as Refusal | null;
      if (refusal !== null) throw refusal.refused === "tail" ? compactsTail(refusal.last) : unexpected(refusal);
    },
    delete: async (key) => {
      await rpc("delete", { p_tenant: key.tenant, p_session: key.sessionId });
      await finishRemoval(rpc, key);
    },
  };
}

/** Goes on with deletions that an earlier process had begun. */
export async function finishRemovals(rpc: Rpc): Promise<void> {
  const begun = (await rpc("removals")) as readonly { tenant: string; session_id: string }[];
  for (const { tenant, session_id: sessionId } of begun) await finishRemoval(rpc, { tenant, sessionId });
}

async function finishRemoval(rpc: Rpc, { tenant, sessionId }: SessionKey): Promise<void> {
  const args = { p_tenant: tenant, p_session: sessionId };
  while ((await rpc("delete_piece", args)) === true);
}

/** Texts that were given to `saveTranscript`, one a session. */
export function supabaseRawTranscripts(rpc: Rpc): RawTranscripts {
  return {
    save: async ({ tenant, sessionId }, text) => {
      const args = { p_tenant: tenant, p_session: sessionId, p_text: JSON.stringify(text) };
      if ((await rpc("save_transcript", args)) !== true) throw noSession(sessionId);
    },
    load: async ({ tenant, sessionId }) => {
      const row = await rpc("raw_transcript", { p_tenant: tenant, p_session: sessionId });
      if (row === null) return null;
      const { seq, text } = row as { seq: number; text: string };
      return { seq, text: decodeJson(text, `session ${sessionId}`) };
    },
  };
}

async function create(rpc: Rpc, session: Parameters<SessionStore["create"]>[0]): Promise<void> {
  const { tenant, sessionId, record, logId, first } = session;
  const batch = encodeBatch({ ...first, tenant, sessionId, expectedSeq: 0 });
  const args = { p_record: recordJson(record), p_log_id: logId, p_first: batchJson(batch) };
  const refusal = (await rpc("create", args)) as Refusal | null;
  if (refusal === null) return;
  if (refusal.refused === "exists") throw sessionExists(sessionId);
  if (refusal.refused === "other_tenant") throw otherTenant(tenant, refusal.message);
  throw unexpected(refusal);
}

function recordJson(record: Parameters<SessionStore["create"]>[0]["record"]): Readonly<Record<string, unknown>> {
  const text = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(value));
  return {
    type: record.type,
    profile: record.agentProfileReference,
    name: text(record.name),
    created_at: record.createdAt,
    created_ms: Date.parse(record.createdAt),
    last_activity: record.lastActivity ?? null,
    sort_at: sortTime(record),
    session_options: text(record.sessionOptions),
    metadata: text(record.metadata),
    runtime: NEVER_RUN_JSON,
    loaded: 0,
  };
}

/** A batch of a call that is not sent yet, by its place in it. */
type Unsent = readonly [index: number, write: Write];

interface Sending {
  readonly rpc: Rpc;
  readonly explain: (error: unknown) => RuntimeError;
  readonly outcomes: Map<number, Error | null>;
}

/** In calls of a bounded size, one after the other. */
async function append(
  { rpc, explain }: Omit<Sending, "outcomes">,
  batches: readonly AppendBatch[],
): Promise<(Error | null)[]> {
  const outcomes = new Map<number, Error | null>();
  const unsent: Unsent[] = [];
  for (const [index, batch] of batches.entries()) {
    try {
      unsent.push([index, { batch: encodeBatch(batch), fence: batch.fence }]);
    } catch (error) {
      outcomes.set(index, toRuntimeError(error, "persistence_unavailable"));
    }
  }
  for (const group of grouped(unsent)) await send({ rpc, explain, outcomes }, group);
  return batches.map((_, index) => outcomes.get(index) ?? null);
}

async function send(sending: Sending, group: readonly Unsent[]): Promise<void> {
  const { rpc, explain, outcomes } = sending;
  try {
    const answers = await rpc("append", { p_batches: group.map(([, { batch, fence }]) => batchJson(batch, fence)) });
    const refusals = answers as readonly (Refusal | null)[];
    for (const [place, [index, write]] of group.entries()) outcomes.set(index, outcomeOf(write, refusals[place]));
  } catch (error) {
    // One that cannot be written, or only not with others, takes no other with it.
    if (group.length > 1 && wroteNothing(error)) for (const one of group) await send(sending, [one]);
    else for (const [index] of group) outcomes.set(index, explain(error));
  }
}

function grouped(writes: readonly Unsent[]): Unsent[][] {
  const groups: Unsent[][] = [];
  let room = 0;
  for (const entry of writes) {
    const weight = batchWeight(entry[1].batch);
    const last = groups.at(-1);
    if (last === undefined || weight > room) {
      groups.push([entry]);
      room = CALL_BYTES - weight;
    } else {
      last.push(entry);
      room -= weight;
    }
  }
  return groups;
}

function outcomeOf({ batch, fence }: Write, refusal: Refusal | null | undefined): Error | null {
  if (refusal === undefined) return new RuntimeError("persistence_unavailable", "The database gave no outcome.");
  if (refusal === null) return null;
  switch (refusal.refused) {
    case "no_session":
      return noSession(batch.sessionId);
    case "stale_fence":
      return staleFence({ sessionId: batch.sessionId, fence }, refusal.fence);
    case "wrong_seq":
      return wrongSeq(batch, refusal.last_seq);
    case "known_message":
      return knownMessage(refusal.message_id);
    case "taken_before":
      return takenBefore(batch, batch.cursor ?? { generation: 0, n: 0 });
    case "exists":
    case "tail":
    case "other_tenant":
    case "failed":
      return unexpected(refusal);
  }
}

function unexpected(refusal: Refusal): RuntimeError {
  const said = "message" in refusal ? refusal.message : refusal.refused;
  return new RuntimeError("persistence_unavailable", `The database did not write it: ${said}`);
}

function otherTenant(tenant: string, said: string): RuntimeError {
  const message = `The key that this server has for Supabase is not for the tenant ${tenant}: use the secret (service) key, or a token whose claim \`tenant\` is ${tenant} (${said})`;
  return new RuntimeError("not_supported", message);
}
