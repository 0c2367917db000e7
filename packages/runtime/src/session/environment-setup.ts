import { RuntimeError, type AgentProfile, type Architecture } from "@hhopkins/agent-runtime-protocol";
import type { EnvironmentSpec, SandboxSpec } from "../sandbox/port.ts";
import { profileOf, type PinningSession } from "./pinned-profile.ts";
import type { SessionParts } from "./session-parts.ts";

/** Each progress that is told is an event in the session's log. */
const TELL_EVERY_MS = 2_000;

export interface EnvironmentSetup {
  readonly signal: AbortSignal;
  /** Tells people how far it is. */
  readonly tell: (message: string) => void;
  /** Where it is known; absent: the session's. */
  readonly profile?: AgentProfile;
}

export interface StartNeeds {
  readonly profile: AgentProfile;
  /** Which content of it that is. */
  readonly profileVersion: string | undefined;
  /** What the provider has set up; undefined: the profile wants nothing. */
  readonly install: EnvironmentSpec | undefined;
  /** Aborted, too, when the rest of the start takes too long. */
  readonly signal: AbortSignal;
}

/**
 * What a session's sandbox is started with, set up. What is to be installed may take minutes, and has a deadline of its
 * own. Throws `unknown_profile`, and `environment_failed` with what the tool said last.
 */
export async function whatItNeeds(
  parts: SessionParts,
  session: PinningSession,
  { signal, tell, profile: known }: EnvironmentSetup,
): Promise<StartNeeds> {
  const state = session.state();
  const { profileVersion } = state;
  const profile = known ?? (await profileOf(parts, { key: session.key, state: () => state }));
  const install = await parts.environmentOf(profile);
  const runner = parts.runnerFiles(state.type as Architecture);
  await prepare(parts, { runner, ...(install === undefined ? {} : { install }) }, { signal, tell });
  return {
    profile,
    profileVersion,
    install,
    signal: AbortSignal.any([signal, AbortSignal.timeout(parts.limits.sandboxStartMs)]),
  };
}

async function prepare(
  { provider, limits }: Pick<SessionParts, "provider" | "limits">,
  wanted: Pick<SandboxSpec, "runner" | "install">,
  { signal, tell }: EnvironmentSetup,
): Promise<void> {
  const timeout = AbortSignal.timeout(limits.environmentMs);
  const progress = paced(TELL_EVERY_MS, tell);
  try {
    await provider.prepare?.(wanted, { signal: AbortSignal.any([signal, timeout]), onProgress: progress.tell });
  } catch (cause) {
    if (!timeout.aborted || signal.aborted) throw cause;
    const code = wanted.install === undefined ? "sandbox_unavailable" : "environment_failed";
    const what = wanted.install === undefined ? "The sandbox's image" : "What the profile wants installed";
    const seconds = Math.ceil(limits.environmentMs / 1000);
    const message = `${what} was not there within ${seconds} s (environmentTimeoutMs). It was at: ${progress.last()}`;
    throw new RuntimeError(code, message, { cause });
  } finally {
    progress.stop();
  }
}

/** The first at once, then the newest, no more than one in so many ms. */
function paced(
  everyMs: number,
  tell: (message: string) => void,
): { tell(message: string): void; last(): string; stop(): void } {
  let last = "the beginning";
  let told = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  const now = (): void => {
    timer = undefined;
    told = performance.now();
    tell(last);
  };
  return {
    tell(message) {
      last = message;
      const wait = told + everyMs - performance.now();
      if (wait <= 0) now();
      else timer ??= setTimeout(now, wait);
    },
    last: () => last,
    stop: () => clearTimeout(timer),
  };
}
