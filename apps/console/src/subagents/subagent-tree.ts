import type { SubagentState } from "@hhopkins/agent-runtime-react";

export interface SubagentNode {
  readonly subagent: SubagentState;
  /** 0: called by the main conversation. */
  readonly depth: number;
}

/** Each subagent below the one that called it; one whose caller is forgotten stands at the top. */
export function subagentTree(subagents: readonly SubagentState[]): readonly SubagentNode[] {
  const known = new Set(subagents.map(({ id }) => id));
  const below = Map.groupBy(subagents, ({ id, parentId }) =>
    parentId !== undefined && parentId !== id && known.has(parentId) ? parentId : "",
  );
  const nodes: SubagentNode[] = [];
  const seen = new Set<string>();
  const visit = (parent: string, depth: number): void => {
    for (const subagent of below.get(parent) ?? []) {
      if (seen.has(subagent.id)) continue;
      seen.add(subagent.id);
      nodes.push({ subagent, depth });
      visit(subagent.id, depth + 1);
    }
  };
  visit("", 0);
  return nodes;
}
