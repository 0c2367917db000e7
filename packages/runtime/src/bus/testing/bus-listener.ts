import type { NodeBus } from "@hhopkins/agent-runtime-protocol";

/** Keeps what it hears, and counts the gaps. */
export function busListener(): Parameters<NodeBus["subscribe"]>[0] & { readonly texts: string[]; gaps: number } {
  const texts: string[] = [];
  return {
    texts,
    gaps: 0,
    onText: (text) => void texts.push(text),
    onGap() {
      this.gaps += 1;
    },
  };
}
