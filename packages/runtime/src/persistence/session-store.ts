export type {
  AppendBatch,
  BlobChunk,
  BlockWrite,
  RunnerCursor,
  SessionHead,
  SessionKey,
  SessionPage,
  SessionStore,
  StoredMessage,
  StoredSandbox,
} from "@hhopkins/agent-runtime-protocol";
