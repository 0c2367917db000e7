import { MAIN_CONVERSATION, type EventDraft, type FileEntry } from "@hhopkins/agent-runtime-protocol";

/** Names that the block lists; the events have all of them. */
const NAMED = 20;

/** Files that a new sandbox cannot have, because their bytes were never kept: larger than the limit, or unreadable. */
export function unkeptFiles(files: readonly FileEntry[]): FileEntry[] {
  return files.filter((file) => (file.type ?? "file") === "file" && file.sha256 === undefined);
}

/** Says that files are no more: an event each, and a block for people. */
export function unkeptEvents(
  parts: { newId: () => string; now: () => Date },
  { sessionId }: { sessionId: string },
  { files, why }: { files: readonly FileEntry[]; why: string },
): EventDraft[] {
  if (files.length === 0) return [];
  const names = files.slice(0, NAMED).map(({ path }) => path);
  const more = files.length > NAMED ? `, and ${files.length - NAMED} more` : "";
  const content = `${files.length} of the workspace's files are not in the new sandbox, because ${why}: ${names.join(", ")}${more}.`;
  const block = {
    type: "system" as const,
    id: `server:${parts.newId()}`,
    timestamp: parts.now().toISOString(),
    content,
    subtype: "files_missing",
  };
  const place = { sessionId, conversationId: MAIN_CONVERSATION };
  return [
    ...files.map(({ path }): EventDraft => ({ type: "session:file:deleted", data: { sessionId, path } })),
    { type: "session:block:start", data: { ...place, block } },
    { type: "session:block:complete", data: { ...place, blockId: block.id, block } },
  ];
}
