import { z } from "zod";

const times = z.number().int().positive().default(1);
/** A method's name as in the SDK's definitions, e.g. `SandboxCreateV2`; `*` for every method but AuthTokenGet. */
const method = z.string().min(1);

/** What can go wrong in the cloud. Each passes after `times` calls that it met. */
export const modalDoubleFaultSchema = z.discriminatedUnion("kind", [
  /** The call fails, and nothing was done. With `retryAfterSeconds` as Modal throttles: the SDK waits so long and tries again. */
  z.strictObject({
    kind: z.literal("fail"),
    method,
    times,
    code: z.enum([
      "UNAVAILABLE",
      "RESOURCE_EXHAUSTED",
      "UNAUTHENTICATED",
      "DEADLINE_EXCEEDED",
      "INTERNAL",
      "NOT_FOUND",
    ]),
    message: z.string().default("injected by the double"),
    retryAfterSeconds: z.number().nonnegative().optional(),
  }),
  /** The call is done, and its reply is lost: DEADLINE_EXCEEDED, or, with `hang`, no reply at all. */
  z.strictObject({ kind: z.literal("lose-reply"), method, times, hang: z.boolean().default(false) }),
  /** The call is carried out this much later. */
  z.strictObject({ kind: z.literal("delay"), method, times, ms: z.number().int().nonnegative() }),
  /**
   * A stream of a program breaks with UNAVAILABLE when exactly `offset` bytes of the whole have passed. Of any program,
   * or of one whose command has the text `command`.
   */
  z.strictObject({
    kind: z.literal("drop-stream"),
    stream: z.enum(["stdin", "stdout", "stderr"]),
    offset: z.number().int().nonnegative(),
    command: z.string().optional(),
    times,
  }),
]);

/** A fault for `control.inject`. */
export type ModalDoubleFault = z.input<typeof modalDoubleFaultSchema>;
export type InjectedFault = z.output<typeof modalDoubleFaultSchema>;

export const controlRequestSchema = z.discriminatedUnion("do", [
  z.strictObject({ do: z.literal("inject"), fault: modalDoubleFaultSchema }),
  z.strictObject({ do: z.literal("clear") }),
  z.strictObject({ do: z.literal("vanish"), sandboxId: z.string() }),
  z.strictObject({ do: z.literal("break-streams") }),
  z.strictObject({ do: z.literal("revoke-credentials"), revoked: z.boolean() }),
  z.strictObject({ do: z.literal("token-lifetime"), seconds: z.number().positive() }),
  z.strictObject({ do: z.literal("report") }),
]);

export type ControlRequest = z.output<typeof controlRequestSchema>;

const sandboxReportSchema = z.object({
  sandboxId: z.string(),
  appName: z.string(),
  name: z.string(),
  /** running, or how it ended: exited, terminated, timeout, idle-timeout. */
  state: z.string(),
  tags: z.record(z.string(), z.string()),
  imageId: z.string(),
  /** The definition as the SDK sent it: network access, resources, regions, timeouts, … */
  definition: z.record(z.string(), z.unknown()),
  /** The network access in force; the double's sandboxes have no network whatever it says. */
  networkAccess: z.unknown(),
  /** Whether control groups hold it to its memory, processes and processors: as root they do. */
  limited: z.boolean(),
  /** Commands of the programs that run. */
  programs: z.array(z.array(z.string())),
});

export const reportSchema = z.object({
  /** How often each method was called. */
  calls: z.record(z.string(), z.number()),
  /** Methods that were called and that the double does not have. */
  unknownCalls: z.array(z.string()),
  /** Faults that have not passed yet. */
  faults: z.number(),
  apps: z.array(z.string()),
  images: z.array(z.object({ imageId: z.string(), commands: z.array(z.string()), state: z.string(), log: z.string() })),
  sandboxes: z.array(sandboxReportSchema),
});

/** What the double has seen and has. */
export type ModalDoubleReport = z.output<typeof reportSchema>;
