import type {
  ClusterStore,
  CommandAnswer,
  Lease,
  NodeRecord,
  SessionCommand,
  SessionKey,
  StoredSandbox,
} from "../session-store.ts";
import { nodeNotAlive, noSession } from "../store-errors.ts";
import { decodeJson } from "../sql/rows.ts";
import type { Rpc } from "./client.ts";

interface NodeRow {
  readonly node_id: string;
  readonly place: string;
  readonly sandboxes: number;
  readonly waiting: number;
  readonly max_sandboxes: number;
  readonly leaving: number;
}

interface LeaseRow {
  readonly node_id: string;
  readonly fence: number;
}

interface CommandRow {
  readonly id: string;
  readonly tenant: string;
  readonly session_id: string;
  readonly from_node: string;
  readonly method: string;
  readonly body: string;
  readonly valid_ms: number | null;
}

interface SessionRow {
  readonly tenant: string;
  readonly session_id: string;
}

const of = ({ tenant, sessionId }: SessionKey) => ({ p_tenant: tenant, p_session: sessionId });
const keyOf = ({ tenant, session_id: sessionId }: SessionRow): SessionKey => ({ tenant, sessionId });

/** Many servers on one project. Nothing wakes them: they ask from time to time. Only with the service key. */
export function supabaseCluster(rpc: Rpc): ClusterStore {
  const call = (name: string, args: Readonly<Record<string, unknown>>): Promise<unknown> =>
    rpc(`cluster_${name}`, args);
  return {
    heartbeat: async (node, ttlMs) => {
      const answer = await call("heartbeat", { p_node: nodeRow(node), p_ttl_ms: ttlMs });
      const { lapsed, nodes } = answer as { lapsed: boolean; nodes: readonly NodeRow[] | null };
      return { lapsed, nodes: (nodes ?? []).map(nodeOf) };
    },
    leave: async (nodeId) => void (await call("leave", { p_node: nodeId })),
    claim: async (key, nodeId) => {
      const answer = await call("claim", { ...of(key), p_node: nodeId });
      const claimed = answer as LeaseRow | { refused: "no_session" | "not_alive" };
      if (!("refused" in claimed)) return leaseOf(claimed);
      throw claimed.refused === "no_session" ? noSession(key.sessionId) : nodeNotAlive(nodeId);
    },
    lease: async (key) => {
      const row = (await call("lease", of(key))) as LeaseRow | null;
      return row === null ? null : leaseOf(row);
    },
    release: async (key, { nodeId, fence }) => {
      await call("release", { ...of(key), p_node: nodeId, p_fence: fence });
    },
    leases: async (nodeId) => {
      const rows = (await call("leases", { p_node: nodeId })) as readonly (SessionRow & { fence: number })[];
      return rows.map((row) => ({ ...keyOf(row), fence: row.fence }));
    },
    abandoned: async (limit) => {
      const rows = (await call("abandoned", { p_limit: limit })) as readonly (SessionRow & {
        sandbox: string | null;
      })[];
      return rows.map((row) => ({ ...keyOf(row), sandbox: sandboxOf(row.sandbox, row.session_id) }));
    },
    tails: async (keys) => {
      if (keys.length === 0) return [];
      const pairs = keys.map(({ tenant, sessionId }) => [tenant, sessionId]);
      return (await call("tails", { p_keys: pairs })) as (number | null)[];
    },
    send: async (command) => {
      if ((await call("send", { p_command: commandRow(command) })) !== true) throw noSession(command.sessionId);
    },
    waiting: async (nodeId, limit) => {
      const rows = (await call("waiting", { p_node: nodeId, p_limit: limit })) as readonly CommandRow[];
      return rows.map(commandOf);
    },
    answer: async (id, answer) => {
      await call("answer", { p_id: id, p_answer: JSON.stringify(answer) });
    },
    answers: async (ids) => {
      if (ids.length === 0) return [];
      const texts = (await call("answers", { p_ids: ids })) as readonly (string | null)[];
      return texts.map((text, at) =>
        text === null ? null : decodeJson<CommandAnswer>(text, `the answer to command ${ids[at]}`),
      );
    },
    forget: async (ids) => {
      if (ids.length > 0) await call("forget", { p_ids: ids });
    },
  };
}

function nodeRow({ nodeId, place, sandboxes, waiting, maxSandboxes, leaving }: NodeRecord): NodeRow {
  return { node_id: nodeId, place, sandboxes, waiting, max_sandboxes: maxSandboxes, leaving: leaving ? 1 : 0 };
}

function nodeOf(row: NodeRow): NodeRecord {
  const { node_id: nodeId, place, sandboxes, waiting, max_sandboxes: maxSandboxes, leaving } = row;
  return { nodeId, place, sandboxes, waiting, maxSandboxes, leaving: leaving === 1 };
}

function leaseOf({ node_id: nodeId, fence }: LeaseRow): Lease {
  return { nodeId, fence };
}

function sandboxOf(text: string | null, sessionId: string): StoredSandbox | null {
  return text === null ? null : decodeJson<StoredSandbox>(text, `session ${sessionId}`);
}

function commandRow({ id, tenant, sessionId, from, method, body, validMs }: SessionCommand): CommandRow {
  const valid_ms = validMs ?? null;
  return { id, tenant, session_id: sessionId, from_node: from, method, body: JSON.stringify(body), valid_ms };
}

function commandOf(row: CommandRow): SessionCommand {
  return {
    id: row.id,
    ...keyOf(row),
    from: row.from_node,
    method: row.method,
    body: decodeJson(row.body, `command ${row.id}`),
    ...(row.valid_ms === null ? {} : { validMs: row.valid_ms }),
  };
}
