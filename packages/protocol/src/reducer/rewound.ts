import type { EventData } from "../events.ts";
import type { SessionState, SubagentState } from "./state.ts";

type Rewound = EventData<"session:rewound">;
type Conversation = Pick<SubagentState, "blocks" | "blocksBefore">;

/** The state after its conversation went back; what came later was taken back before, block by block. */
export function rewound(state: SessionState, data: Rewound, at: string): SessionState {
  const { lastTurn: _last, allowedTools: _allowed, blocksBefore: _before, ...kept } = state;
  const { window, subagents, lastTurn, allowedTools } = data;
  return {
    ...kept,
    ...shown(state, window),
    ...(lastTurn === undefined ? {} : { lastTurn }),
    ...(allowedTools === undefined ? {} : { allowedTools }),
    subagents: subagents.map(({ window: own, ...subagent }) => {
      const known = state.subagents.find(({ id }) => id === subagent.id);
      return { ...subagent, ...shown(known ?? { blocks: [] }, own) };
    }),
    streamingBlockIds: [],
    lastActivity: at,
  };
}

function shown(known: Conversation, window: Rewound["window"]): Conversation {
  const { blocks, keep, before } = window ?? { blocks: [], keep: known.blocks.length, before: known.blocksBefore };
  return {
    blocks: [...blocks, ...known.blocks.slice(known.blocks.length - keep)],
    ...(before === undefined ? {} : { blocksBefore: before }),
  };
}
