/** What the agent asks, as cards that can be answered. */
export function AskCards(_: { readonly sessionId: string }) {
  return null;
}
