import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { SandboxLife } from "../sandbox/port.ts";
import { withDeadline } from "./deadline.ts";

/** How often to look whether the runner is attached, and for how long it may be away before its sandbox is looked at. */
const LOOK_MS = 1000;
const AWAY_MS = 2000;
/** For the provider's answer; none in time is as good as unreachable. */
const STATUS_MS = 5000;

export interface WatchedSandbox {
  readonly isAttached: () => boolean;
  /** false: it starts, which has a deadline of its own. */
  readonly isStarted: () => boolean;
  readonly status: () => Promise<SandboxLife>;
  /** Its runner cannot be heard; it may well be at work. Called again where the reason changes. */
  readonly onAway: (message: string) => Promise<void>;
  readonly onBack: () => Promise<void>;
  readonly onGone: () => void;
  readonly onError: (error: unknown) => void;
}

/** Tells a sandbox that is gone from one that cannot be reached for a while. Returns how to stop. */
export function watchHealth(watched: WatchedSandbox): () => void {
  let awaySince: number | undefined;
  let told = false;
  let looking = false;
  let stopped = false;
  const look = async (): Promise<void> => {
    if (watched.isAttached()) {
      awaySince = undefined;
      if (told) await watched.onBack();
      told = false;
      return;
    }
    awaySince ??= performance.now();
    if (!watched.isStarted() || performance.now() - awaySince < AWAY_MS) return;
    const life = await lifeOf(watched);
    if (stopped || watched.isAttached()) return;
    if (life === "gone") return watched.onGone();
    // It was away, and its runner is about to connect again.
    if (told && life === "running") return;
    told = true;
    await watched.onAway(WORDS[life]);
  };
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    void look()
      .catch(watched.onError)
      .finally(() => {
        looking = false;
      });
  }, LOOK_MS);
  timer.unref();
  return () => {
    stopped = true;
    clearInterval(timer);
  };
}

const WORDS: Record<Exclude<SandboxLife, "gone">, string> = {
  running: "The sandbox runs, and its runner is not connected. What it does goes on.",
  asleep: "The sandbox is asleep; its provider wakes it.",
  unreachable: "The sandbox cannot be reached at the moment. What runs in it goes on, and is told when it is back.",
};

async function lifeOf(watched: WatchedSandbox): Promise<SandboxLife> {
  const late = (): RuntimeError =>
    new RuntimeError("sandbox_unavailable", "The provider did not say in time how the sandbox is.");
  return withDeadline(watched.status(), STATUS_MS, late).catch(() => "unreachable" as const);
}
