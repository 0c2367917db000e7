import type { PersistedSessionListData } from "@hhopkins/agent-runtime-protocol";
import type { StoredRecord } from "./functions/reads.ts";
import { parseParts, restored } from "./texts.ts";

/** A stored record as the runtime has it. */
export function recordOf(row: StoredRecord): PersistedSessionListData {
  const where = `session ${row.sessionId}`;
  const { name, lastActivity, sessionOptions, metadata } = row;
  return {
    sessionId: row.sessionId,
    type: restored(row.type),
    agentProfileReference: restored(row.profile),
    ...(name === null ? {} : { name: parseParts<string>([name], where) }),
    createdAt: row.createdAt,
    ...(lastActivity === null ? {} : { lastActivity }),
    ...(sessionOptions === null ? {} : { sessionOptions: parseParts([sessionOptions], where) }),
    ...(metadata === null ? {} : { metadata: parseParts([metadata], where) }),
  };
}
