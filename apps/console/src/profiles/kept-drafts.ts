import type { AgentClient } from "@hhopkins/agent-runtime-client";
import type { JsonObject } from "./json-schema.ts";

/** What was changed and not saved, of a content that the server had. */
export interface KeptDraft {
  readonly version: string | undefined;
  readonly draft: JsonObject;
}

const byClient = new WeakMap<AgentClient, Map<string, KeptDraft>>();

/** Drafts of profiles, for who looks at something else meanwhile. They go with the sign-in, whose client it is. */
export function keptDrafts(client: AgentClient): Map<string, KeptDraft> {
  const kept = byClient.get(client) ?? new Map<string, KeptDraft>();
  byClient.set(client, kept);
  return kept;
}
