import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";
import type { SandboxSpec } from "./port.ts";

/** A key as the providers of this host take it: it becomes part of names of folders and containers. */
export const SandboxKey = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/);

/** Throws `invalid_request` for a key that cannot be a name, and for variables that no process could have. */
export function checkSpec(spec: SandboxSpec): void {
  if (!SandboxKey.safeParse(spec.key).success) {
    throw new RuntimeError(
      "invalid_request",
      `A sandbox's key has 1–128 letters, digits, - and _: ${JSON.stringify(spec.key)}`,
    );
  }
  for (const [name, value] of Object.entries(spec.environment)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || value.includes("\0")) {
      throw new RuntimeError("invalid_request", `Not an environment variable: ${JSON.stringify(name)}`, {
        field: "environment",
      });
    }
  }
}

/** Runs works of the same key one after the other. */
export function byKey(): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return async (key, work) => {
    const before = last.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (last.get(key) === mine) last.delete(key);
    }
  };
}
