/** What was written and not sent, by session, as long as the tab lives. */
export const drafts = {
  read: (sessionId: string): string => attempt(() => sessionStorage.getItem(keyOf(sessionId))) ?? "",
  write(sessionId: string, text: string): void {
    attempt(() =>
      text === "" ? sessionStorage.removeItem(keyOf(sessionId)) : sessionStorage.setItem(keyOf(sessionId), text),
    );
  },
} as const;

function keyOf(sessionId: string): string {
  return `agent-runtime.draft.${sessionId}`;
}

/** Storage may be full or forbidden: then a draft lives as long as the page. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
