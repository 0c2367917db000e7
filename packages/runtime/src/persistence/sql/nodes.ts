import type { ClusterStore, NodeRecord } from "../session-store.ts";
import type { ClusterDb } from "./cluster.ts";
import type { Row } from "./schema.ts";

/** Who lives. Rows of the dead, and answers and commands whose time is over, are swept on the way. */
export function sqlNodes({ db, words, clock }: ClusterDb): Pick<ClusterStore, "heartbeat" | "leave"> {
  const sweep = async (): Promise<void> => {
    await db.deleteFrom("nodes").where("lives_until", "<=", clock.nowMs).execute();
    await db.deleteFrom("answers").where("valid_until", "<=", clock.nowMs).execute();
    await db.deleteFrom("commands").where("valid_until", "<=", clock.nowMs).execute();
  };
  return {
    heartbeat: async (node, ttlMs) => {
      await sweep();
      const lapsed = await db.transaction().execute(async (trx) => {
        const lived = await clock.lives(trx, node.nodeId);
        const { keys, changed, row } = nodeRow(node);
        const said = trx.insertInto("nodes").values({ ...row, lives_until: clock.in(ttlMs) });
        await words.upsert(said, { keys, changed }).execute();
        return !lived;
      });
      const rows = await db.selectFrom("nodes").selectAll().where("lives_until", ">", clock.nowMs).execute();
      return { lapsed, nodes: rows.map(decodeNode) };
    },
    leave: async (nodeId) => {
      await db.deleteFrom("nodes").where("node_id", "=", nodeId).execute();
      await db.updateTable("logs").set({ node_id: null }).where("node_id", "=", nodeId).execute();
    },
  };
}

function nodeRow({ nodeId, place, sandboxes, waiting, maxSandboxes, leaving }: NodeRecord) {
  const row = {
    node_id: nodeId,
    place,
    sandboxes,
    waiting,
    max_sandboxes: maxSandboxes,
    leaving: leaving ? 1 : 0,
  };
  const changed = ["place", "sandboxes", "waiting", "max_sandboxes", "leaving", "lives_until"] as const;
  return { row, keys: ["node_id"] as const, changed };
}

function decodeNode(row: Omit<Row<"nodes">, "lives_until">): NodeRecord {
  return {
    nodeId: row.node_id,
    place: row.place,
    sandboxes: row.sandboxes,
    waiting: row.waiting,
    maxSandboxes: row.max_sandboxes,
    leaving: row.leaving === 1,
  };
}
