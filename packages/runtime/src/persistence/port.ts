export type { PersistenceAdapter, SessionRecordUpdates } from "@hhopkins/agent-runtime-protocol";
