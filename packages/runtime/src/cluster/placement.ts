/** Which node takes a session. */
import type { NodeRecord, StoredSandbox } from "../persistence/session-store.ts";

/** The place of sandboxes that every node reaches. */
export const ANYWHERE = "anywhere";

type Where = Pick<NodeRecord, "nodeId" | "place">;

/** Whether nodes of this place can attach to the sandbox; null: there is none to attach to. */
export function reaches(place: string, sandbox: Pick<StoredSandbox, "place"> | null): boolean {
  const at = sandbox?.place;
  return at === undefined || at === ANYWHERE || at === place;
}

/**
 * Of the nodes that take sessions, those that can go on with one: those which reach its sandbox, or, where none of
 * them does, all, for the sandbox is lost then.
 */
export function successors(
  nodes: readonly NodeRecord[],
  sandbox: Pick<StoredSandbox, "place"> | null,
): readonly NodeRecord[] {
  const staying = nodes.filter(({ leaving }) => !leaving);
  const near = staying.filter(({ place }) => reaches(place, sandbox));
  return near.length > 0 ? near : staying;
}

/** The emptiest first; of equally full ones this node. */
export function byRoom(nodes: readonly NodeRecord[], self: Where): readonly NodeRecord[] {
  const own = (node: NodeRecord): number => (node.nodeId === self.nodeId ? 0 : 1);
  return nodes.toSorted((a, b) => fullness(a) - fullness(b) || own(a) - own(b) || (a.nodeId < b.nodeId ? -1 : 1));
}

function fullness({ sandboxes, waiting, maxSandboxes }: NodeRecord): number {
  return (sandboxes + waiting) / maxSandboxes;
}

/** Neither a sandbox nor a place in the line is left. Nodes are taken to have the same bound on their lines. */
export function isFull({ sandboxes, waiting, maxSandboxes }: NodeRecord, maxWaiting: number): boolean {
  return sandboxes + waiting >= maxSandboxes + maxWaiting;
}
