import { vi } from "vitest";

/** For a condition to come true on a machine that others use too, in milliseconds; Vitest's own second is too short for it. */
const PATIENCE_MS = 20_000;

type Options = number | { readonly timeout?: number; readonly interval?: number } | undefined;

function patient<T>(wait: (condition: () => T, options?: Options) => unknown) {
  return (condition: () => T, options?: Options): unknown =>
    wait(condition, typeof options === "number" ? options : { timeout: PATIENCE_MS, ...options });
}

// `expect.poll` has an option for it in the configuration, these two have none.
const waits = vi as unknown as Record<"waitFor" | "waitUntil", Parameters<typeof patient>[0]>;
waits.waitFor = patient(waits.waitFor);
waits.waitUntil = patient(waits.waitUntil);
