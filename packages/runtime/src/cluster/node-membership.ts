import type { ClusterStore } from "@hhopkins/agent-runtime-protocol";

/** What remote commands, followers and notes need to know of this node. */
export interface NodeMembership {
  readonly nodeId: string;
  readonly cluster: ClusterStore;
  readonly leaseMs: number;
  /** Without a bus, and while an answer is awaited. */
  readonly pollMs: number;
  /** Ids of the other nodes that lived at the last heartbeat. */
  others(): readonly string[];
}
