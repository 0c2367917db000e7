import { RuntimeError } from "@hhopkins/agent-runtime-protocol";

/**
 * A short text as Convex takes it: its strings are valid Unicode. What is not, and what looks like what this makes of
 * it, is its JSON.
 */
export function storable(text: string): string {
  return text.isWellFormed() && !text.includes("\0") && !text.startsWith('"') ? text : JSON.stringify(text);
}

export function restored(text: string): string {
  return text.startsWith('"') ? (JSON.parse(text) as string) : text;
}

/** The bytes alone, where a view shows a part of a larger buffer. */
export function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

/** Parses a stored JSON text in parts; `where` says which in the error. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what it wrote there
export function parseParts<T>(parts: readonly string[], where: string): T {
  try {
    return JSON.parse(parts.join("")) as T;
  } catch (cause) {
    throw damaged(where, cause);
  }
}

export function damaged(where: string, cause: unknown): RuntimeError {
  return new RuntimeError("persistence_unavailable", `What Convex holds of ${where} is damaged.`, { cause });
}
