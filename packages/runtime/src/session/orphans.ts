import { RuntimeError, toRuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { NodeMembership } from "../cluster/node-membership.ts";
import { setTimeout as delay } from "node:timers/promises";
import type { SandboxRef, SandboxTags } from "../sandbox/port.ts";
import { withDeadline } from "./deadline.ts";
import type { SessionParts } from "./session-parts.ts";
import { warmTag } from "./warm-sandbox.ts";

type Running = readonly { readonly ref: SandboxRef; readonly tags: SandboxTags }[];
type Claimed = Awaited<ReturnType<SessionParts["store"]["claimed"]>>;

/** Codes of a provider that cannot say now what runs; sessions without a sandbox work all the same. */
const PASSING: ReadonlySet<string> = new Set(["sandbox_unavailable", "sandbox_credentials", "missing_dependency"]);
/** A server is not to wait longer with its start. */
const LIST_MS = 10_000;
const FIRST_WAIT_MS = 5000;
const MOST_WAIT_MS = 5 * 60_000;
/** With several nodes: from one look to the next. */
const AGAIN_MS = 5 * 60_000;

/** Sandboxes of this deployment that run; null: the provider cannot say now. */
export async function runningSandboxes({ provider, deployment, log }: SessionParts): Promise<Running | null> {
  try {
    const late = (): RuntimeError => new RuntimeError("sandbox_unavailable", `No answer within ${LIST_MS / 1000} s.`);
    return await withDeadline(provider.list({ deployment }), LIST_MS, late);
  } catch (error) {
    if (!PASSING.has(toRuntimeError(error).code)) throw error;
    log.error(
      { err: error },
      "which sandboxes run cannot be told now; those that belong to no session are ended later",
    );
    return null;
  }
}

/** Ends the sandboxes that belong to no session. */
export async function endOrphans(parts: SessionParts, running: Running, claimed: Claimed): Promise<void> {
  const owned = new Set(
    claimed.flatMap(({ sessionId, sandbox }) =>
      sandbox === null ? [] : `${sandbox.tag ?? sessionId} ${sandbox.generation}`,
    ),
  );
  const warm = (parts.node?.others() ?? []).map(warmTag);
  for (const { ref, tags } of running) {
    // A warm one of this server may be claimed by now.
    if (owned.has(`${tags.session} ${tags.generation}`) || parts.warm.knows(tags.session)) continue;
    if (!warm.some((tag) => tags.session.startsWith(tag))) await endOrphan(parts, ref, tags);
  }
}

async function endOrphan({ provider, log }: SessionParts, ref: SandboxRef, tags: SandboxTags): Promise<void> {
  const about = { sessionId: tags.session, generation: tags.generation };
  try {
    const sandbox = await provider.attach(ref);
    await sandbox?.terminate();
    log.info(about, "a sandbox that belonged to no session was ended");
  } catch (error) {
    log.error({ err: error, ...about }, "a sandbox that belongs to no session could not be ended");
  }
}

/** The same as soon as the provider can say what runs. Never rejects. */
export async function endOrphansLater(parts: SessionParts, signal: AbortSignal): Promise<void> {
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, MOST_WAIT_MS)) {
    try {
      await delay(wait, undefined, { signal, ref: false });
      const running = await parts.provider.list({ deployment: parts.deployment });
      // Afterwards: a sandbox is claimed before it is asked for, so that none of these is one of this server's.
      return await endOrphans(parts, running, await parts.store.claimed());
    } catch (error) {
      if (signal.aborted) return;
      parts.log.debug({ err: error }, "which sandboxes run still cannot be told");
    }
  }
}

/**
 * With several nodes, again and again: one that counted as gone for a while lets go of what it was starting, and another
 * cannot see it. Never rejects.
 */
export async function keepEndingOrphans(
  parts: SessionParts,
  { node, signal, againMs = AGAIN_MS }: { node: NodeMembership; signal: AbortSignal; againMs?: number },
): Promise<void> {
  for (;;) {
    try {
      const running = await parts.provider.list({ deployment: parts.deployment });
      // A node that has started one of these meanwhile is known by then.
      await delay(node.leaseMs, undefined, { signal, ref: false });
      await endOrphans(parts, running, await parts.store.claimed());
    } catch (error) {
      if (!signal.aborted) parts.log.debug({ err: error }, "which sandboxes run cannot be told");
    }
    if (signal.aborted) return;
    await delay(againMs * (0.5 + Math.random()), undefined, { signal, ref: false }).catch(() => undefined);
  }
}
