import type { SandboxGeneration, SessionRuntimeState } from "../runtime-state.ts";
import { cutText } from "./window.ts";

/** How many of a session's sandboxes a state tells of, the last ones, and how much of what was said of each. */
const GENERATIONS = 20;
const MESSAGE_CHARS = 500;

/** A session's sandboxes, the newest last, after a `session:status` of `at`. */
export function nextSandboxes(
  known: readonly SandboxGeneration[] = [],
  { sandbox }: SessionRuntimeState,
  at: string,
): readonly SandboxGeneration[] {
  // One that it waits for is none yet.
  if (sandbox === null || sandbox.status === "pending") return known;
  const { sandboxId, status, statusMessage } = sandbox;
  const isOver = status === "terminated" || status === "error";
  const last = known.at(-1);
  const isSame = last !== undefined && isSameSandbox(last, sandbox);
  // What is said of one that has ended is of no other.
  if (isOver && (!isSame || last.endedAt !== undefined)) return known;
  const id = sandboxId ?? (isSame ? last.sandboxId : undefined);
  const next: SandboxGeneration = {
    ...(id === undefined ? {} : { sandboxId: id }),
    startedAt: isSame ? last.startedAt : at,
    ...(isOver ? { endedAt: at } : {}),
    status,
    ...(statusMessage === undefined ? {} : { statusMessage: cutText(statusMessage, MESSAGE_CHARS) }),
  };
  const before = isSame ? known.slice(0, -1) : known.map((one) => (one === last ? replaced(one, at) : one));
  return [...before, next].slice(-GENERATIONS);
}

/** Whether it is the one that was spoken of last. One that slept has its id again; one that starts has none at first. */
function isSameSandbox(
  { sandboxId, endedAt }: SandboxGeneration,
  now: NonNullable<SessionRuntimeState["sandbox"]>,
): boolean {
  if (now.sandboxId !== undefined && sandboxId !== undefined) return now.sandboxId === sandboxId;
  if (now.status === "terminated" || now.status === "error") return true;
  return endedAt === undefined && (sandboxId === undefined || now.status !== "starting");
}

/** Nobody said that it ended, and there is another one now. */
function replaced(sandbox: SandboxGeneration, at: string): SandboxGeneration {
  return sandbox.endedAt === undefined ? { ...sandbox, endedAt: at } : sandbox;
}
