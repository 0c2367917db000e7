/** Sandboxes with a started harness that belong to no session yet. */
import {
  Architecture,
  manifestText,
  type AgentProfile,
  type FileEntry,
  type SessionState,
} from "@hhopkins/agent-runtime-protocol";
import { DEFAULT_TENANT } from "../auth/principal.ts";
import type { SessionKey, StoredSandbox } from "../persistence/session-store.ts";
import type { EnvironmentSpec, Sandbox } from "../sandbox/port.ts";
import { settledSoon, unlessAborted } from "./deadline.ts";
import { sha256 } from "./entry-translation.ts";
import { whatItNeeds } from "./environment-setup.ts";
import { openRunnerDoor, type RunnerDoor } from "./runner-door.ts";
import { RunnerLink } from "./runner-link.ts";
import { layOutSandbox, type Layout } from "./sandbox-layout.ts";
import { profileOf } from "./pinned-profile.ts";
import { newSandbox, sandboxSpec } from "./sandbox-request.ts";
import { newSession, type NewSession } from "./session-creation.ts";
import { lateStart } from "./start-error.ts";
import type { SessionParts } from "./session-parts.ts";

/** What is in the sandbox is good for a session's first one only. */
const GENERATION = 1;
/** Lower than that of any lease, or as low: whoever claims it goes on with it. */
const FENCE = 1;

/** What the next warm sandbox of a profile is made of. */
export interface WarmPlan {
  readonly key: SessionKey;
  readonly profile: AgentProfile;
  readonly install: EnvironmentSpec | undefined;
  readonly blank: NewSession;
  /** The same for a session that may have it. */
  readonly fit: string;
}

export interface WarmSandbox {
  readonly fit: string;
  readonly sandbox: Sandbox;
  /** As its session stores it. */
  readonly stored: StoredSandbox;
  readonly door: RunnerDoor;
  /** Gives back its place among the sandboxes that may run. */
  readonly releaseSlot: () => void;
  /** Whether its runner is there. */
  isReady(): boolean;
  /** Leaves the runner to whoever listens at the door from now on. */
  letGo(): void;
  end(): Promise<void>;
}

/** What a sandbox depends on before its first message: sessions with the same can have the same. */
async function fitOf(
  parts: SessionParts,
  key: SessionKey,
  about: {
    state: SessionState;
    profile: AgentProfile;
    install: EnvironmentSpec | undefined;
    files: readonly FileEntry[];
  },
): Promise<string> {
  const { state, profile, install, files } = about;
  const variables = await parts.gatewayVariables(key);
  const options = state.sessionOptions ?? {};
  return sha256(JSON.stringify([state.type, options, profile, manifestText(files), variables, install?.hash ?? null]));
}

/** What a session's first sandbox depends on. Throws `unknown_profile`, `invalid_profile`. */
export async function fitOfSession(parts: SessionParts, key: SessionKey, state: SessionState): Promise<string> {
  const profile = await profileOf(parts, { key, state: () => state });
  const [install, files] = await Promise.all([parts.environmentOf(profile), parts.store.files(key)]);
  return fitOf(parts, key, { state, profile, install, files });
}

/** What the tags of a server's warm sandboxes begin with. */
export function warmTag(nodeId: string | undefined): string {
  return nodeId === undefined ? "warm-" : `warm-${nodeId}-`;
}

/** Throws `unknown_profile`. */
export async function planWarmSandbox(parts: SessionParts, profileId: string): Promise<WarmPlan> {
  const [architecture = "claude-agent-sdk"] = Architecture.options;
  const blank = await newSession(parts, { agentProfileRef: profileId, architecture });
  const key = { tenant: DEFAULT_TENANT, sessionId: `${warmTag(parts.node?.nodeId)}${blank.record.sessionId}` };
  const { profile } = blank;
  const install = await parts.environmentOf(profile);
  const files = blank.first.files?.put ?? [];
  return {
    key,
    profile,
    install,
    blank,
    fit: await fitOf(parts, key, { state: blank.state, profile, install, files }),
  };
}

/** Starts it. What it says meanwhile stays in its journal, for its session. */
export async function startWarmSandbox(
  parts: SessionParts,
  plan: WarmPlan,
  at: { signal: AbortSignal; releaseSlot: () => void },
): Promise<WarmSandbox> {
  const { provider, log } = parts;
  const { state } = plan.blank;
  const session = { key: plan.key, state: () => state };
  const setup = { signal: at.signal, tell: () => undefined, profile: plan.profile };
  const { install, signal } = await whatItNeeds(parts, session, setup);
  const stored = { ...newSandbox(provider, GENERATION, state.profileVersion), tag: plan.key.sessionId };
  const spec = await sandboxSpec(parts, plan.key, { state, stored, install });
  const created = provider.create(spec, { signal, onProgress: () => undefined });
  let ended: Promise<void> | undefined;
  const sandbox = await unlessAborted(created, signal, (late) => (ended = late.terminate())).catch(async (error) => {
    // Whoever stops the pool finds nothing of it afterwards.
    await settledSoon(created.then(() => ended));
    throw error;
  });
  const unsaved = parts.unsaved.account();
  const nothing = (): void => undefined;
  const about = { generation: GENERATION, fence: FENCE, taken: 0, unsaved, log };
  const link = new RunnerLink({ ...about, onEntries: nothing, onEnding: nothing });
  let door: RunnerDoor | undefined;
  const end = async (): Promise<void> => {
    link.close();
    await door?.close();
    at.releaseSlot();
    await sandbox.terminate();
  };
  const stop = (): void => link.close(lateStart());
  signal.addEventListener("abort", stop, { once: true });
  try {
    door = await openRunnerDoor(sandbox, { generation: GENERATION, log });
    door.listen(link.connect.bind(link));
    await layOutSandbox({ ...layoutOf(parts, plan), link, signal });
  } catch (error) {
    await end();
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
  return {
    fit: plan.fit,
    sandbox,
    stored: { ...stored, ref: sandbox.ref, started: true },
    door,
    releaseSlot: at.releaseSlot,
    isReady: () => link.attached && parts.now().getTime() < (sandbox.moveAfter ?? Infinity),
    letGo: () => link.close(),
    end,
  };
}

/** The files of a session that was created just now, and that no store has. */
function layoutOf(parts: SessionParts, { key, profile, blank }: WarmPlan): Omit<Layout, "link" | "signal"> {
  const { files, blobs = [] } = blank.first;
  const store: Layout["store"] = {
    files: async () => files?.put ?? [],
    async *blob(_key, name) {
      for (const { sha256: known, bytes } of blobs) if (known === name) yield bytes;
    },
    async *transcript() {},
  };
  const { limits, hostTools } = parts;
  return { key, store, state: blank.state, profile, nativeSessionId: null, limits, hostTools, intact: new Set() };
}
