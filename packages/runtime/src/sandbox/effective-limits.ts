import { availableParallelism, totalmem } from "node:os";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";
import type { SandboxLimits } from "./port.ts";

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const amount = z.number().positive().optional();
const whole = z.number().int().positive().max(Number.MAX_SAFE_INTEGER).optional();

const Limits = z.strictObject({
  memoryBytes: whole,
  cpus: amount,
  processes: whole,
  openFiles: whole,
  fileBytes: whole,
  diskBytes: whole,
}) satisfies z.ZodType<SandboxLimits>;

export type EffectiveLimits = Required<SandboxLimits>;

/** Memory that this process may use at most, in bytes: the machine's, or its container's where that is less. */
export function machineMemory(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

/** What a sandbox may use where nobody says otherwise: enough for a large build, and never more than half of a machine's memory. */
export function defaultLimits(
  machine = { memoryBytes: machineMemory(), cpus: availableParallelism() },
): EffectiveLimits {
  return {
    memoryBytes: Math.min(4 * GIB, Math.floor(machine.memoryBytes / 2)),
    cpus: Math.min(2, machine.cpus),
    processes: 512,
    openFiles: 8192,
    fileBytes: 4 * GIB,
    diskBytes: 10 * GIB,
  };
}

/** The first that says something counts, for each limit. Throws `invalid_request` for what is no limit. */
export function effectiveLimits(...sources: readonly (SandboxLimits | undefined)[]): EffectiveLimits {
  const limits: EffectiveLimits = defaultLimits();
  for (const source of sources.toReversed()) {
    const { data, error } = Limits.safeParse(source ?? {});
    if (data === undefined) {
      const issue = error.issues[0];
      throw new RuntimeError("invalid_request", `limits.${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`, {
        field: "limits",
      });
    }
    Object.assign(limits, Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined)));
  }
  return limits;
}
