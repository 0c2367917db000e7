import { MAIN_CONVERSATION, type SessionEvent } from "@hhopkins/agent-runtime-protocol";
import { LogFrame } from "./frame.ts";

/**
 * What belongs to one conversation: its blocks and asks, and the subagents that it calls; for a subagent also its own
 * beginning, usage and end. Each frame says by `from` what was left out before it, so that cursors go on without a hole.
 * @param after the cursor that the first batch follows.
 */
export async function* conversationFrames(
  batches: AsyncIterable<readonly LogFrame[]>,
  conversationId: string,
  after: number,
): AsyncGenerator<readonly LogFrame[]> {
  let cursor = after;
  /** Asks that are known to be of other conversations: how one is resolved does not say whose it is. */
  const foreign = new Set<string>();
  for await (const batch of batches) {
    const frames: LogFrame[] = [];
    for (const frame of batch) {
      const isOurs = concerns(frame.event, conversationId, foreign);
      if (!isOurs && frame.event.type === "session:ask:opened") foreign.add(frame.event.data.ask.askId);
      if (!isOurs) continue;
      const from = cursor + 1;
      frames.push(frame.first === from ? frame : new LogFrame(frame.event, { data: frame.data, from }));
      cursor = frame.event.seq;
    }
    if (frames.length > 0) yield frames;
  }
}

function concerns({ type, data }: SessionEvent, conversationId: string, foreignAsks: ReadonlySet<string>): boolean {
  switch (type) {
    case "session:subagent:discovered": {
      const { id, parentId = MAIN_CONVERSATION } = data.subagent;
      return id === conversationId || parentId === conversationId;
    }
    case "session:subagent:completed":
    case "session:subagent:usage":
      return data.subagentId === conversationId;
    case "session:ask:opened":
      return data.ask.conversationId === conversationId;
    // Its blocks may be others now.
    case "session:rewound":
      return true;
    case "session:ask:resolved":
      return !foreignAsks.has(data.askId);
    default:
      return "conversationId" in data && data.conversationId === conversationId;
  }
}
