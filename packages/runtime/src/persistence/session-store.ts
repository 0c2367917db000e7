export type {
  AppendBatch,
  BlobChunk,
  BlockWrite,
  Checkpoint,
  RunnerCursor,
  SessionHead,
  SessionKey,
  SessionPage,
  SessionStore,
  StoredMessage,
  StoredSandbox,
} from "@hhopkins/agent-runtime-protocol";
