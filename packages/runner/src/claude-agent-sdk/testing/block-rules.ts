import assert from "node:assert/strict";
import { EntryBody, type ConversationBlock } from "@hhopkins/agent-runtime-protocol";

/** Checks what every stream of bodies must keep, and returns the blocks that stand at its end, by conversation. */
export function checkBlocks(bodies: readonly EntryBody[]): Map<string, ConversationBlock[]> {
  const open = new Map<string, { conversationId: string; streamed: string }>();
  const ids = new Set<string>();
  const conversations = new Map<string, ConversationBlock[]>();
  const known = new Set(["main"]);
  for (const body of bodies) {
    EntryBody.parse(body);
    if (body.kind === "subagent:discovered") known.add(body.subagentId);
    if (!("conversationId" in body)) continue;
    const { conversationId } = body;
    assert(known.has(conversationId), `conversation ${conversationId} was discovered`);
    const blocks = conversations.get(conversationId) ?? [];
    conversations.set(conversationId, blocks);
    const at = (id: string): number => blocks.findIndex((block) => block.id === id);
    switch (body.kind) {
      case "block:start":
        assert(!ids.has(body.block.id), `block ${body.block.id} is new`);
        ids.add(body.block.id);
        open.set(body.block.id, { conversationId, streamed: "" });
        blocks.push(body.block);
        break;
      case "block:delta": {
        const block = open.get(body.blockId);
        assert(block?.conversationId === conversationId, `delta to ${body.blockId}, which is open here`);
        block.streamed += body.delta;
        break;
      }
      case "block:complete": {
        const { block } = body;
        const was = open.get(block.id);
        assert(was?.conversationId === conversationId, `${block.id} was open`);
        open.delete(block.id);
        if (block.retracted === true) blocks.splice(at(block.id), 1);
        else blocks[at(block.id)] = block;
        if (was.streamed !== "" && "content" in block) assert.equal(was.streamed, block.content);
        if (was.streamed !== "" && block.type === "tool_use" && block.retracted !== true)
          assert.deepEqual(JSON.parse(was.streamed), block.input);
        break;
      }
      case "block:update": {
        const block = blocks[at(body.blockId)];
        assert(block !== undefined, `update of ${body.blockId}, which exists`);
        blocks[at(body.blockId)] = { ...block, ...body.updates } as ConversationBlock;
        break;
      }
      default:
    }
  }
  assert.deepEqual([...open.keys()], [], "every block is complete");
  return conversations;
}

/** A conversation in short: one line a block. */
export function outline(blocks: readonly ConversationBlock[] | undefined): string[] {
  return (blocks ?? []).map((block) => {
    switch (block.type) {
      case "tool_use":
        return `tool_use ${block.toolName} ${block.status}`;
      case "tool_result":
        return `tool_result ${block.isError === true ? "error" : "ok"}: ${block.content.split("\n")[0]?.slice(0, 40)}`;
      case "subagent":
        return `subagent ${block.name} ${block.status}: ${block.output ?? ""}`;
      case "error":
        return `error ${block.code}`;
      case "system":
        return `system ${block.subtype}`;
      case "user_message":
      case "assistant_text":
      case "thinking":
        return `${block.type}: ${block.content}`;
      default:
        return block satisfies never;
    }
  });
}
