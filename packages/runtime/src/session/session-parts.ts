import type {
  AgentProfile,
  Architecture,
  PersistenceAdapter,
  SessionKey,
  SessionState,
} from "@hhopkins/agent-runtime-protocol";
import type { ClusterNode } from "../cluster/cluster-node.ts";
import type { LeaseNotes } from "../cluster/lease-notes.ts";
import type { SessionLeases } from "../cluster/session-leases.ts";
import type { BoundSecrets } from "../gateway/port.ts";
import type { ModelGateway, NetworkRules } from "../gateway/port.ts";
import type { Notices } from "../log/notices.ts";
import type { LogParts } from "../log/session-log.ts";
import type { StoreHealth } from "../log/store-health.ts";
import type { HostToolbox } from "../host-tools/index.ts";
import type { Logger } from "../logger.ts";
import type { EnvironmentSpec, RunnerFiles, SandboxProvider } from "../sandbox/port.ts";
import type { AskingApplication } from "./ask-hook.ts";
import type { EgressBook } from "./egress-book.ts";
import type { ModelUses } from "./model-use.ts";
import type { Slots } from "./slots.ts";
import type { WarmPool } from "./warm-pool.ts";
import type { UnsavedBytes } from "./unsaved-bytes.ts";

/** Deadlines and bounds of a session, in milliseconds and bytes. */
export interface SessionLimits {
  /** From the request of a sandbox to a runner whose harness is ready. */
  readonly sandboxStartMs: number;
  /** To set up what a profile wants installed, before that. */
  readonly environmentMs: number;
  /** For the runner's answer to a sync. */
  readonly syncMs: number;
  /** For a harness to be ready, inside of `sandboxStartMs` at the first time; absent: the runner's default. */
  readonly harnessStartMs?: number;
  /** For a turn to end after it was told to stop; then the server ends it, and its sandbox. */
  readonly interruptMs: number;
  /** For a turn, from when its runner got it; absent: no limit. */
  readonly turnTimeoutMs?: number;
  readonly syncIntervalMs: number;
  /** Files above this many bytes are listed without their bytes. */
  readonly maxFileBytes: number;
  /** Names of files and folders that are not tracked, at any depth. */
  readonly ignore: readonly string[];
}

/** What every session of a runtime shares. */
export interface SessionParts extends LogParts {
  readonly profiles: Pick<PersistenceAdapter, "listAgentProfiles" | "loadAgentProfile">;
  readonly provider: SandboxProvider;
  readonly slots: Slots;
  readonly warm: WarmPool;
  readonly gateway: ModelGateway;
  /** Hosts that a session's sandbox may reach. Never rejects. */
  readonly network: (session: SessionKey) => Promise<NetworkRules>;
  /** Hosts of secrets that go to no others. */
  readonly boundSecrets: BoundSecrets;
  readonly modelUses: ModelUses;
  readonly egress: EgressBook;
  /** Variables with which a sandbox finds the gateway where it has no socket to it. */
  readonly gatewayVariables: (session: SessionKey) => Promise<Readonly<Record<string, string>>>;
  /** A text with stars in the place of these values, as they are and as addresses, JSON and base64 have them. */
  readonly masked: (text: string, values: Iterable<string>) => string;
  readonly deployment: string;
  /** Absent: no other server shares the store. */
  readonly node?: ClusterNode;
  readonly notes?: LeaseNotes;
  readonly leases: SessionLeases;
  readonly health: StoreHealth;
  readonly unsaved: UnsavedBytes;
  readonly notices: Notices;
  /** What runs inside a sandbox of this architecture; throws `missing_dependency`. */
  readonly runnerFiles: (architecture: Architecture) => RunnerFiles;
  /** What a profile wants installed; undefined: nothing. Throws `environment_failed`, `missing_dependency`. */
  readonly environmentOf: (profile: AgentProfile) => Promise<EnvironmentSpec | undefined>;
  readonly hostTools: HostToolbox;
  readonly limits: SessionLimits;
  /** Answers asks in people's place. */
  readonly asking?: AskingApplication;
  /** Something that a list shows has changed. */
  readonly onListed: (key: SessionKey, state: SessionState) => void;
  readonly newId: () => string;
  readonly log: Logger;
}
