import type { BlockUpdates, ConversationBlock, EntryBody } from "@hhopkins/agent-runtime-protocol";

/** Where the parts of the translator put what they have to say, with what they share. */
export interface Outlet {
  put(body: EntryBody): void;
  start(conversationId: string, block: ConversationBlock): void;
  complete(conversationId: string, block: ConversationBlock): void;
  update(conversationId: string, blockId: string, updates: BlockUpdates): void;
  /** A block that came whole. */
  whole(conversationId: string, block: ConversationBlock): void;
  /** An id that no block has had yet: `wanted`, or with a number behind it. */
  claim(wanted: string): string;
  /** ISO 8601. */
  timestamp(): string;
  milliseconds(): number;
  /** What was put since the last call. */
  take(): EntryBody[];
}

export function createOutlet(now: () => Date): Outlet {
  let bodies: EntryBody[] = [];
  const claimed = new Set<string>();
  const put = (body: EntryBody): void => {
    bodies.push(body);
  };
  const outlet: Outlet = {
    put,
    start: (conversationId, block) => put({ kind: "block:start", conversationId, block }),
    complete: (conversationId, block) => put({ kind: "block:complete", conversationId, block }),
    update: (conversationId, blockId, updates) => put({ kind: "block:update", conversationId, blockId, updates }),
    whole(conversationId, block) {
      outlet.start(conversationId, "content" in block ? { ...block, content: "" } : block);
      outlet.complete(conversationId, block);
    },
    claim(wanted) {
      const base = toId(wanted);
      let id = base;
      for (let again = 2; claimed.has(id); again++) id = `${base}.${again}`;
      claimed.add(id);
      return id;
    },
    timestamp: () => now().toISOString(),
    milliseconds: () => now().getTime(),
    take() {
      const taken = bodies;
      bodies = [];
      return taken;
    },
  };
  return outlet;
}

/** A native id in the alphabet of ours. Gateways of other models make odd ones. */
export function toId(native: string): string {
  const id = native.replaceAll(/[^A-Za-z0-9_.:-]/g, "_").slice(0, 160);
  return id === "" ? "none" : id;
}
