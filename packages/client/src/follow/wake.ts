/**
 * Calls `wake` when a line is worth a look: the network came or went, the tab woke from its sleep or came back from the
 * browser's history. Answers how to leave off. Where there is no browser it does nothing.
 */
export function onWake(wake: () => void): () => void {
  if (typeof globalThis.addEventListener !== "function") return () => {};
  const hasDocument = typeof document !== "undefined";
  const types = ["online", "offline", "pageshow"];
  const show = (): void => {
    if (!document.hidden) wake();
  };
  for (const type of types) globalThis.addEventListener(type, wake);
  if (hasDocument) document.addEventListener("visibilitychange", show);
  return () => {
    for (const type of types) globalThis.removeEventListener(type, wake);
    if (hasDocument) document.removeEventListener("visibilitychange", show);
  };
}
