import type { LogHub } from "../log/hub.ts";
import type { Logger } from "../logger.ts";
import type { SessionKey, SessionStore } from "../persistence/session-store.ts";
import type { ListWatch, SessionListChange } from "../log/list-watch.ts";
import { CommandExecutor, type RunMethod } from "./command-executor.ts";
import type { NodeMembership } from "./node-membership.ts";
import type { NodeNotes } from "./node-notes.ts";
import { RemoteCommands } from "./remote-commands.ts";
import { RemoteList, type ListedSession } from "./remote-list.ts";
import { RemoteLogs } from "./remote-logs.ts";

/** What of this node has to do with others. */
export interface BetweenNodesParts {
  readonly node: NodeMembership;
  readonly notes: NodeNotes;
  readonly store: SessionStore;
  readonly hub: LogHub;
  readonly run: RunMethod;
  readonly watch: ListWatch;
  /** What a list shows of a session; null: it is no more. */
  readonly listed: ListedSession;
  /** Where the log ends of a session that this node runs; undefined: another one does, or nobody. */
  readonly localTail: (key: SessionKey) => number | undefined;
  readonly log: Logger;
}

/** Commands, logs and lists between the nodes of a cluster. */
export interface BetweenNodes {
  readonly commands: RemoteCommands;
  readonly executor: CommandExecutor;
  /** After the node lives, before it is asked anything. Rejects where the bus cannot be had. */
  start(): Promise<void>;
  /** From now on nothing is taken for other nodes, and nobody waits for them. The sessions end after it. */
  stop(): Promise<void>;
  /** The last, when the sessions have ended and the node has left. */
  close(): Promise<void>;
}

export function betweenNodes(parts: BetweenNodesParts): BetweenNodes {
  const { node, notes, log, store, hub, run, watch, listed, localTail } = parts;
  const { nodeId, cluster, pollMs, leaseMs } = node;
  const shared = { nodeId, cluster, notes, pollMs, log };
  const commands = new RemoteCommands({ ...shared, leaseMs });
  const executor = new CommandExecutor({ ...shared, run, onOwnAnswer: () => commands.fetch() });
  const logs = new RemoteLogs({ ...shared, store, hub, localTail });
  const list = new RemoteList({ notes, watch, listed, log });
  return {
    commands,
    executor,
    async start() {
      await notes.start();
      for (const part of [list, logs, commands, executor]) part.start();
    },
    async stop() {
      await executor.stop();
      await commands.stop();
    },
    async close() {
      list.stop();
      await logs.stop();
      await notes.stop();
    },
  };
}

/** Tells the other nodes what has changed in a tenant's list. */
export function tellOfList(notes: Pick<NodeNotes, "tell">, tenant: string, change: SessionListChange): void {
  if (change.event === "sessions:removed") notes.tell({ is: "gone", key: [tenant, change.sessionId] });
  else notes.tell({ is: "listed", key: [tenant, change.session.sessionId], item: change.session });
}
