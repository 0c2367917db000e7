import type { AgentProfile } from "@hhopkins/agent-runtime-protocol";
import { failpoint } from "../failpoint.ts";
import type { RunnerCursor, StoredSandbox } from "../persistence/session-store.ts";
import type { Sandbox } from "../sandbox/port.ts";
import { settledSoon, unlessAborted } from "./deadline.ts";
import { whatItNeeds } from "./environment-setup.ts";
import { missingHostTools } from "./missing-host-tools.ts";
import { profileOf } from "./pinned-profile.ts";
import type { RunnerDoor } from "./runner-door.ts";
import type { RunnerLink } from "./runner-link.ts";
import { newSandbox, sandboxSpec } from "./sandbox-request.ts";
import { announceSandbox, startHarness, type StartingSession } from "./sandbox-start.ts";
import { endIfOurs, type RunningSandbox } from "./supervised-session.ts";
import type { WarmSandbox } from "./warm-sandbox.ts";

/** What the creation of sandboxes needs of whoever supervises them. */
export interface CreatingSupervisor {
  /** Listens to the sandbox, which is the session's from then on. */
  adopt(sandbox: Sandbox, stored: StoredSandbox, at: AdoptionAt): Promise<RunningSandbox>;
  /** Its harness is ready. */
  started(running: RunningSandbox): void;
  /** Gives a sandbox's slot back. */
  tookSlot(release: () => void): void;
  /** This server has let go of the session's sandbox, for another one to find. */
  isReleased(): boolean;
}

/** Up to where everything that its runner said is saved; and the line to it, where there is one already. */
export interface AdoptionAt {
  readonly cursor: RunnerCursor;
  readonly door?: RunnerDoor;
}

/** Makes a session's sandboxes, each of which is a generation of its own, and starts their harness. */
export class SandboxCreation {
  /** Of the newest sandbox; 0: there was none. */
  generation: number;
  /** With it the harness goes on with its conversation. */
  nativeSessionId: string | null;
  /** The workspace goes into a sandbox that is being started: what is changed in the store now would not be in it. */
  takesWorkspace = false;
  readonly #starter: StartingSession;
  readonly #supervisor: CreatingSupervisor;
  /** Its provider may still be at it when nobody waits for it any more. */
  #creating: Promise<unknown> = Promise.resolve();

  constructor(
    starter: StartingSession,
    supervisor: CreatingSupervisor,
    at: { generation: number; nativeSessionId: string | null },
  ) {
    this.#starter = starter;
    this.#supervisor = supervisor;
    this.generation = at.generation;
    this.nativeSessionId = at.nativeSessionId;
  }

  async start(signal: AbortSignal): Promise<RunnerLink> {
    try {
      return await this.#start(signal);
    } finally {
      this.takesWorkspace = false;
    }
  }

  async #start(signal: AbortSignal): Promise<RunnerLink> {
    const { parts, session, status } = this.#starter;
    // Without one before, one that was made for any session can be its.
    const isFirst = this.generation === 0 && this.nativeSessionId === null;
    this.takesWorkspace = isFirst;
    const warm = isFirst ? await session.inTurn(() => parts.warm.claim(session.key, session.state())) : undefined;
    if (warm !== undefined) return this.#takeWarm(warm, signal);
    this.takesWorkspace = false;
    const tellPlace = (position: number): void =>
      status.tell("pending", `Waiting for a free sandbox, place ${position} in the line.`);
    this.#supervisor.tookSlot(await parts.slots.acquire(signal, tellPlace, session.key.sessionId));
    return this.#create(signal);
  }

  /** It is the session's once that is stored. */
  async #takeWarm(warm: WarmSandbox, signal: AbortSignal): Promise<RunnerLink> {
    const { parts, session, status } = this.#starter;
    const { sandbox, stored, door, releaseSlot } = warm;
    const cursor = { generation: stored.generation, n: 0 };
    this.#supervisor.tookSlot(releaseSlot);
    try {
      const about = { sandboxId: sandbox.id, generation: stored.generation };
      const missing = missingHostTools(parts, session.key, await profileOf(parts, session));
      await session.write({ events: [...missing, status.event("ready", undefined, about)], sandbox: stored, cursor });
      this.generation = stored.generation;
      signal.throwIfAborted();
      const running = await this.#supervisor.adopt(sandbox, stored, { cursor, door });
      return running.link;
    } catch (error) {
      await this.discard(sandbox);
      throw error;
    } finally {
      warm.letGo();
    }
  }

  async #create(abort: AbortSignal): Promise<RunnerLink> {
    const { parts, session, status } = this.#starter;
    const tell = (message: string): void => status.tell("starting", message);
    const { profile, install, signal, profileVersion } = await whatItNeeds(parts, session, { signal: abort, tell });
    const stored = newSandbox(parts.provider, this.generation + 1, profileVersion);
    this.takesWorkspace = true;
    await announceSandbox(this.#starter, stored);
    this.generation = stored.generation;
    const spec = await sandboxSpec(parts, session.key, { state: session.state(), stored, install });
    failpoint("create:before");
    const created = parts.provider.create(spec, { signal, onProgress: tell });
    this.#creating = created;
    const sandbox = await unlessAborted(created, signal, (late) => this.discard(late));
    failpoint("create:after");
    const known = { ...stored, ref: sandbox.ref };
    const running = await this.#introduce(sandbox, known, signal).catch(async (error: unknown) => {
      await this.discard(sandbox);
      throw error;
    });
    return this.layOut(running, profile, signal);
  }

  async #introduce(sandbox: Sandbox, known: StoredSandbox, signal: AbortSignal): Promise<RunningSandbox> {
    const { session, status } = this.#starter;
    await session.write({
      events: [status.event("starting", "Starting the agent.", { sandboxId: sandbox.id })],
      sandbox: known,
    });
    signal.throwIfAborted();
    return this.#supervisor.adopt(sandbox, known, { cursor: { generation: known.generation, n: 0 } });
  }

  /** Puts what the session has into its sandbox, and starts the harness. */
  async layOut(running: RunningSandbox, profile: AgentProfile, signal: AbortSignal): Promise<RunnerLink> {
    const { nativeSessionId } = this;
    const started = await startHarness(this.#starter, { running, profile, nativeSessionId, signal });
    this.#supervisor.started(started);
    return started.link;
  }

  /** A sandbox that this server has no use for: the next server may have. */
  async discard(sandbox: Sandbox): Promise<void> {
    const { session, status } = this.#starter;
    const done = this.#supervisor.isReleased() ? sandbox.release() : endIfOurs(session, sandbox);
    await done.catch((failure: unknown) => status.warn(failure, "a sandbox that failed to start did not end"));
  }

  /** The provider is at nothing any more, or takes too long over it. */
  settled(): Promise<void> {
    return settledSoon(this.#creating);
  }
}
