import {
  AgentProfile,
  AgentProfileListData,
  distinctMcpServers,
  fromZodError,
  PersistedSessionData,
  PersistedSessionListData,
  RuntimeError,
} from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";
import { withDeadline } from "./deadline.ts";
import type { PersistenceAdapter } from "./port.ts";

/** The reading methods of somebody's adapter. */
export type AdapterReads = Pick<
  PersistenceAdapter,
  "listAllSessions" | "loadSession" | "listAgentProfiles" | "loadAgentProfile"
>;

const TIMEOUT_MS = 15_000;

/** Columns of a table that we do not know are the adapter's own business. */
const StoredProfile = z.object(AgentProfile.shape).superRefine(distinctMcpServers);

/**
 * The same reads, with what they answer checked. A wrong row, or a method that fails, is `persistence_unavailable`
 * with the method and the field in its message, and so is one that does not answer in time. A field that is null counts as absent, as databases have it.
 */
export function checkedReads(adapter: AdapterReads, timeoutMs = TIMEOUT_MS): AdapterReads {
  const read = <T>(method: keyof AdapterReads, call: () => Promise<T>): Promise<T> =>
    called(method, () => withDeadline(call(), timeoutMs, () => new Error(`no answer within ${timeoutMs} ms`)));
  return {
    listAllSessions: async () => {
      const rows = await read("listAllSessions", () => adapter.listAllSessions());
      return checked(z.array(PersistedSessionListData), rows, "listAllSessions");
    },
    loadSession: async (sessionId) => {
      const row = await read("loadSession", () => adapter.loadSession(sessionId));
      return row === null ? null : checked(PersistedSessionData, row, "loadSession");
    },
    listAgentProfiles: async () => {
      const rows = await read("listAgentProfiles", () => adapter.listAgentProfiles());
      return checked(z.array(AgentProfileListData), rows, "listAgentProfiles");
    },
    loadAgentProfile: async (id) => {
      const row = await read("loadAgentProfile", () => adapter.loadAgentProfile(id));
      return row === null ? null : checked(StoredProfile, row, "loadAgentProfile");
    },
  };
}

/** Calls a method of an adapter. Rejects with `persistence_unavailable` that names the method and keeps the cause. */
export async function called<T>(method: keyof PersistenceAdapter, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RuntimeError("persistence_unavailable", `PersistenceAdapter.${method} failed: ${reason}`, { cause });
  }
}

function checked<T>(schema: z.ZodType<T>, value: unknown, method: keyof PersistenceAdapter): T {
  const result = schema.safeParse(withoutNulls(value));
  if (result.success) return result.data;
  throw fromZodError(result.error, `PersistenceAdapter.${method}`, "persistence_unavailable");
}

/** A row, or rows, without the fields that are null; nothing deeper is touched. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
}
