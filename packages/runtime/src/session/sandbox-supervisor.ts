import { RuntimeError, type EventDraft, type SandboxStatus } from "@hhopkins/agent-runtime-protocol";
import { failpoint } from "../failpoint.ts";
import type { RunnerCursor, StoredSandbox } from "../persistence/session-store.ts";
import type { Sandbox } from "../sandbox/port.ts";
import { findSandbox } from "./find-sandbox.ts";
import { gatewayRules } from "./gateway-rules.ts";
import type { RunnerLink } from "./runner-link.ts";
import { Abandonment } from "./abandonment.ts";
import { profileOf } from "./pinned-profile.ts";
import { connectSandbox } from "./connect-sandbox.ts";
import type { SessionParts } from "./session-parts.ts";
import { SandboxCreation, type AdoptionAt, type CreatingSupervisor } from "./sandbox-creation.ts";
import { SandboxStatusTeller } from "./sandbox-status.ts";
import {
  endIfOurs,
  isInSandbox,
  isToLeave,
  type RunningSandbox,
  type SupervisedSession,
} from "./supervised-session.ts";
import { saveCheck, saveWhatIsTold, verifyBytes, verifySaved, type SaveCheck } from "./save-verification.ts";
import { startError } from "./start-error.ts";

const LETS_GO = "The server lets go of the sandbox.";

/** Owns a session's sandbox: starts one when it is needed, finds it again, and ends it when everything is saved. */
export class SandboxSupervisor {
  readonly #parts: SessionParts;
  readonly #session: SupervisedSession;
  readonly #status: SandboxStatusTeller;
  readonly #creation: SandboxCreation;
  #running: RunningSandbox | undefined;
  #starting: Promise<RunnerLink> | undefined;
  #abort = new AbortController();
  /** This server has let go of it, for another one to find. */
  #released = false;
  /** Its runner was told that it ends, and takes no turns any more. */
  #prepared = false;
  /** Its runner did not do as it was told: it is ended before anything else. */
  readonly #abandonment = new Abandonment((message) => this.#endStuck(message));
  /** It was found after a start of the server, maybe at work. */
  #carriesTurn = false;
  /** Its end was noticed. */
  #ended: Sandbox | undefined;
  #releaseSlot: (() => void) | undefined;
  #ending: Promise<void> | undefined;

  constructor(
    parts: SessionParts,
    session: SupervisedSession,
    at: { generation: number; nativeSessionId: string | null },
  ) {
    this.#parts = parts;
    this.#session = session;
    this.#status = new SandboxStatusTeller(parts, session, () => ({
      sandboxId: this.#running?.sandbox.id,
      generation: this.#creation.generation,
    }));
    const starter = { parts, session, status: this.#status };
    const supervisor: CreatingSupervisor = {
      adopt: (...adopted) => this.#adopt(...adopted),
      started: (running) => (this.#running = running),
      tookSlot: (release) => (this.#releaseSlot = release),
      isReleased: () => this.#released,
    };
    this.#creation = new SandboxCreation(starter, supervisor, at);
  }

  get running(): RunningSandbox | undefined {
    return this.#running;
  }

  get link(): RunnerLink | undefined {
    return this.#running?.link;
  }

  get generation(): number {
    return this.#creation.generation;
  }

  set nativeSessionId(id: string) {
    this.#creation.nativeSessionId = id;
  }

  /** Whether a sandbox runs or is being started. */
  get active(): boolean {
    return this.#running !== undefined || this.#starting !== undefined;
  }

  /** The link to a runner whose harness is ready; starts a sandbox where there is none. */
  ready(): Promise<RunnerLink> {
    if (this.#abandonment.pending) return this.#abandonment.ended().then(() => this.ready());
    if (this.#ending !== undefined) return this.#ending.catch(() => undefined).then(() => this.ready());
    if (this.#prepared) return this.#replace();
    // A turn that was found in a sandbox ends there.
    const carried = this.#carriesTurn;
    this.#carriesTurn = false;
    if (!carried && isToLeave(this.#running, this.#parts.now(), this.#session.state())) return this.#leave();
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /** Whether the workspace is in a sandbox, or on its way into one: what changes there is the runner's to tell. */
  get hasWorkspace(): boolean {
    return this.#running !== undefined || this.#creation.takesWorkspace;
  }

  /** The link to the runner that has the workspace, once it is ready and nothing ends it; undefined: none has. */
  async workspaceLink(): Promise<RunnerLink | undefined> {
    await this.#abandonment.ended();
    await this.#ending?.catch(() => undefined);
    if (this.#prepared) await this.end("What the sandbox holds is saved.", { loaded: true });
    return this.hasWorkspace ? this.#starting?.catch(() => undefined) : undefined;
  }

  /** Its runner did not do as it was told, and it is being ended. */
  get abandoned(): boolean {
    return this.#abandonment.pending;
  }

  /** Ends a sandbox whose runner is stuck, with what it still tells, if it does so in time. The next `ready` waits for that. */
  abandon(message: string): void {
    this.#abandonment
      .begin(message)
      .catch((error: unknown) => this.#status.warn(error, "a sandbox that is stuck did not end"));
  }

  async #endStuck(message: string): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    await saveWhatIsTold(this.#check(running), this.#parts.limits.interruptMs);
    if (this.#running !== running) return;
    await this.lost();
    await this.#session.write({ events: [this.#status.event("terminated", message)], sandbox: null });
  }

  /** An end that could not be verified left a runner that takes no turns: the end comes first, then a new start. */
  async #replace(): Promise<RunnerLink> {
    await this.end("What the sandbox holds is saved; a new one starts.", { loaded: true });
    return this.ready();
  }

  /** The turn has another sandbox than this one. Where the save of this one cannot be verified it stays. */
  async #leave(): Promise<RunnerLink> {
    return this.#replace().catch((error: unknown) => {
      if (this.#prepared || this.#starting === undefined) throw error;
      this.#status.warn(error, "a sandbox that is to be left could not be");
      return this.#starting;
    });
  }

  async #start(): Promise<RunnerLink> {
    const abort = new AbortController();
    this.#abort = abort;
    if (this.#released) abort.abort();
    try {
      return await this.#creation.start(abort.signal);
    } catch (error) {
      throw await this.#startFailed(error);
    }
  }

  /** Listens to the sandbox and watches for its end. */
  async #adopt(sandbox: Sandbox, stored: StoredSandbox, { cursor, door }: AdoptionAt): Promise<RunningSandbox> {
    const running = await connectSandbox(this.#parts, this.#session.key, {
      sandbox,
      stored,
      door,
      fence: this.#session.fence(),
      rules: await gatewayRules(this.#parts, this.#session.key, this.#session.state()),
      taken: cursor.generation === stored.generation ? cursor.n : 0,
      unsaved: this.#session.unsaved,
      isStarted: () => this.#running?.sandbox === sandbox && this.#running.stored.started,
      onEntries: () => this.#session.onEntries(),
      onEnding: () => this.#finish(sandbox),
      onGone: (reason) => this.#onEnded(sandbox, reason),
      onDisowned: () => this.#session.doubtLease(),
      tell: (status, message) => this.#status.tellOnce(status, message),
    });
    // Let go of meanwhile: nobody would close it later.
    if (this.#released) {
      await running.close({ ended: false });
      throw new RuntimeError("shutting_down", LETS_GO);
    }
    this.#running = running;
    // Its runner may have spoken before this server knew whose it is.
    this.#session.onEntries();
    if (running.link.ending) this.#finish(sandbox);
    void sandbox.ended.then(({ reason }) => this.#onEnded(sandbox, reason)).catch(() => undefined);
    return running;
  }

  /** Nothing of the sandbox is worth keeping: its harness never started. */
  async #startFailed(cause: unknown): Promise<RuntimeError> {
    const error = startError(cause, this.#abort.signal.aborted);
    if (this.#released) return error;
    const running = await this.#forget();
    if (running !== undefined) await this.#creation.discard(running.sandbox);
    const status = this.#abort.signal.aborted ? "terminated" : "error";
    await this.#session.write({ events: [this.#status.event(status, error.message)], sandbox: null });
    return error;
  }

  /** Finds the stored sandbox after a start of the server. False: it is gone. */
  async attach(stored: StoredSandbox, cursor: RunnerCursor | null): Promise<boolean> {
    const sandbox = await findSandbox(this.#parts, this.#session.key, {
      stored,
      onUnreachable: (message) => this.#status.tellOnce("unhealthy", message),
    });
    if (sandbox === null) return false;
    this.#releaseSlot = this.#parts.slots.adopt();
    this.#carriesTurn = isInSandbox(this.#session.state());
    const known = { ...stored, ref: sandbox.ref };
    const at = { cursor: cursor ?? { generation: stored.generation, n: 0 } };
    const running = await this.#adopt(sandbox, known, at).catch(async (error: unknown) => {
      // Whoever looks for it next, this server too, listens to it anew.
      await sandbox.release();
      throw error;
    });
    if (stored.started) this.#starting = Promise.resolve(running.link);
    const [status, message] = stored.started ? (["ready"] as const) : (["starting", "Starting the agent."] as const);
    const event = this.#status.event(status, message, { sandboxId: sandbox.id });
    await this.#session.write({ events: [event], sandbox: known });
    if (!stored.started) {
      this.#starting = this.#resumeStart(running);
      this.#starting.catch(() => undefined);
    }
    return true;
  }

  async #resumeStart(running: RunningSandbox): Promise<RunnerLink> {
    try {
      const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(this.#parts.limits.sandboxStartMs)]);
      return await this.#creation.layOut(running, await profileOf(this.#parts, this.#session), signal);
    } catch (error) {
      throw await this.#startFailed(error);
    }
  }

  #onEnded(sandbox: Sandbox, reason: string): void {
    const running = this.#running;
    if (running?.sandbox !== sandbox || this.#ended === sandbox) return;
    this.#ended = sandbox;
    // Nothing in it can be saved any more.
    this.#prepared = false;
    // A start that is under way fails by its link, and cleans up itself.
    if (!running.stored.started) running.link.close(new RuntimeError("sandbox_lost", reason));
    else this.#session.onLost(reason);
  }

  /** The sandbox is gone: the next `ready` starts another. */
  async lost(): Promise<void> {
    const running = await this.#forget();
    if (running === undefined) return;
    await endIfOurs(this.#session, running.sandbox).catch((failure: unknown) =>
      this.#status.warn(failure, "remains of a lost sandbox could not be removed"),
    );
  }

  /**
   * Ends the sandbox after everything in it was saved and the save was verified. Throws `unavailable`, with the
   * sandbox still there, when it could not be verified. `loaded`: whether the session stays in memory.
   */
  end(message: string, { loaded = false } = {}): Promise<void> {
    this.#ending ??= this.#end(message, loaded).finally(() => (this.#ending = undefined));
    return this.#ending;
  }

  async #end(message: string, loaded: boolean): Promise<void> {
    await this.#abandonment.ended();
    this.#abort.abort(new RuntimeError("unavailable", message));
    await this.#starting?.catch(() => undefined);
    const running = this.#running;
    if (running === undefined) return;
    // First as often as need be without consequence; the second is final for the runner.
    if (!this.#prepared) await verifySaved(this.#check(running), "sync");
    this.#prepared = true;
    failpoint("sync:before");
    await verifySaved(this.#check(running), "prepare-end");
    failpoint("sync:after");
    await this.#session.write({
      events: [this.#status.event("terminated", message, { loaded })],
      sandbox: null,
      snapshot: true,
    });
    await this.#forget();
    failpoint("terminate:before");
    await running.sandbox.terminate();
    failpoint("terminate:after");
  }

  /** Saves what the sandbox holds, and verifies what is saved; while no turn runs, that it is all. */
  async sync(): Promise<void> {
    const running = this.#running;
    if (running === undefined || !running.stored.started) return;
    const check = this.#check(running);
    if (this.#session.state().turn === null) await verifySaved(check, "sync");
    else await verifyBytes(check);
    if (this.#session.state().runtime.sandbox?.status === "unhealthy") await this.#status.tellOnce("ready", undefined);
  }

  /** Its runner was prepared to end by a server that did not live to end it: what it held is verified once more. */
  #finish(sandbox: Sandbox): void {
    if (this.#running?.sandbox !== sandbox) return;
    this.#prepared = true;
    this.end("What it held is saved.", { loaded: true }).catch((error: unknown) =>
      this.#status.warn(error, "a sandbox that was prepared to end did not end"),
    );
  }

  #check(running: RunningSandbox): SaveCheck {
    return saveCheck(this.#parts, this.#session, {
      running,
      onWrong: (message) => this.#status.tellOnce("unhealthy", `The save of the workspace is wrong: ${message}`),
    });
  }

  /** Ends the sandbox, whatever is in it. */
  async kill(): Promise<void> {
    this.#abort.abort(new RuntimeError("unavailable", "The session is being deleted."));
    await this.#starting?.catch(() => undefined);
    // Asked first: where that cannot be told, nothing has ended.
    const isOurs = await this.#session.holdsLease();
    const sandbox = (await this.#forget())?.sandbox;
    await (isOurs ? sandbox?.terminate() : sandbox?.release());
  }

  /** Leaves the sandbox running and lets go of it, for a later server to find. */
  async release(): Promise<void> {
    this.#released = true;
    this.#abort.abort(new RuntimeError("shutting_down", LETS_GO));
    await (await this.#forget({ ended: false }))?.sandbox.release();
    // Whoever has the session next looks for it.
    await this.#creation.settled();
  }

  /** Answers what it was. */
  async #forget(how = { ended: true }): Promise<RunningSandbox | undefined> {
    const running = this.#running;
    this.#running = undefined;
    this.#starting = undefined;
    this.#prepared = false;
    this.#releaseSlot?.();
    this.#releaseSlot = undefined;
    await running?.close(how);
    return running;
  }

  /** A `session:status` of this sandbox, as of now. */
  statusEvent(status: SandboxStatus, message: string): EventDraft {
    return this.#status.event(status, message);
  }
}
