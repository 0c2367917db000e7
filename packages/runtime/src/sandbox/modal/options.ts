import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type * as ModalSdk from "modal";
import { z } from "zod";
import { splitHosts } from "./network.ts";

export interface ModalSandboxOptions {
  readonly tokenId: string;
  readonly tokenSecret: string;
  /** Name of the Modal app that the sandboxes belong to; made when there is none. */
  readonly appName: string;
  /** Image of a registry, with Node 22.18 or newer, npm, and a shell (`node:24-bookworm`). The harness and the runner are added. */
  readonly image?: string;
  /** Longest life of a sandbox, in ms, at most 24 h, which is the default. Between turns a session moves to a new one before that. */
  readonly timeoutMs?: number;
  /** Modal ends a sandbox that no server has had a line to for so long, in ms; also one whose agent is at work. By default never. */
  readonly idleTimeoutMs?: number;
  /** Where sandboxes run, in Modal's words, e.g. `us-east`. */
  readonly region?: string | readonly string[];
  /** Cores to reserve, e.g. 0.5. */
  readonly cpu?: number;
  /** Memory to reserve, in MiB. */
  readonly memoryMiB?: number;
  /** e.g. `T4` or `A100:2`. */
  readonly gpu?: string;
  /** Hosts that sandboxes may reach by themselves: names, `*.example.com`, addresses, ranges; `"all"`. By default none: only the gateway, through the line. */
  readonly allowedHosts?: readonly string[] | "all";
  /** Longest time for Modal to answer a request, in ms (15 s); images and scheduling have the session's start timeout. */
  readonly requestTimeoutMs?: number;
  /** How often to ask how a sandbox is while the line to it is down, in ms (5 s). */
  readonly pollMs?: number;
  /** The `modal` package, if not the installed one. */
  readonly sdk?: () => Promise<typeof ModalSdk>;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const HOUR_MS = 60 * 60 * 1000;

const seconds = z.number().int().min(1000).max(DAY_MS).multipleOf(1000, "must be whole seconds, in ms");
const Checked = z.object({
  tokenId: z.string(),
  tokenSecret: z.string(),
  appName: z.string().min(1),
  image: z.string().min(1).default("node:24-bookworm"),
  timeoutMs: seconds.default(DAY_MS),
  idleTimeoutMs: seconds.optional(),
  cpu: z.number().positive().optional(),
  memoryMiB: z.int().positive().optional(),
  requestTimeoutMs: z.number().positive().default(15_000),
  pollMs: z.number().positive().default(5000),
});

/** With the defaults. Throws `invalid_configuration` that names the option. */
export function checkedOptions(options: ModalSandboxOptions) {
  const parsed = Checked.safeParse(options);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = issue?.path.join(".") ?? "";
    throw new RuntimeError("invalid_configuration", `modalSandbox: ${field}: ${issue?.message ?? "is wrong"}`, {
      field,
    });
  }
  if (options.allowedHosts !== undefined && options.allowedHosts !== "all") splitHosts(options.allowedHosts);
  return { ...options, ...parsed.data };
}

export type CheckedOptions = ReturnType<typeof checkedOptions>;

/** From when on, after its start, a session should leave a sandbox of that life: an hour before its end, if it is long. */
export function leaveAfterMs(lifeMs: number): number {
  return lifeMs - Math.min(HOUR_MS, lifeMs / 4);
}
