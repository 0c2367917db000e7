import type { AgentProfile } from "@hhopkins/agent-runtime-protocol";
import { createHash } from "node:crypto";

export interface ProfileVersion {
  /** SHA-256 of `text`. */
  readonly version: string;
  /** The profile as JSON whose objects have their fields in order, so that the same content is the same text. */
  readonly text: string;
}

export function versionOf(profile: AgentProfile): ProfileVersion {
  const text = JSON.stringify(profile, (_key, value: unknown) => (isObject(value) ? inOrder(value) : value));
  return { version: createHash("sha256").update(text).digest("hex"), text };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function inOrder(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
