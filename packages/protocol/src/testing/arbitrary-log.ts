import * as fc from "fast-check";
import type { ConversationBlock } from "../blocks.ts";
import type { EventDraft, SessionEvent } from "../events.ts";
import { NO_USAGE } from "../usage.ts";

const AT = "2026-01-02T03:04:05.678Z";
const SESSION = "s1";

const ATTACHMENT = { name: "a.png", mediaType: "image/png", size: 3, sha256: "a".repeat(64) };

/** Text with astral characters, lone surrogates and some that is longer than the state keeps. */
const text = fc.oneof(
  { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
  { weight: 1, arbitrary: fc.constant("😀".repeat(9000)) },
  { weight: 1, arbitrary: fc.constant("x".repeat(20_000)) },
);

type Step = {
  kind:
    | "start"
    | "delta"
    | "complete"
    | "update"
    | "retract"
    | "file"
    | "delete"
    | "subagent"
    | "message"
    | "turn"
    | "host-tool"
    | "usage";
  pick: number;
  text: string;
};

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(
    "start",
    "start",
    "delta",
    "delta",
    "delta",
    "complete",
    "complete",
    "update",
    "retract",
    "file",
    "delete",
    "subagent",
    "message",
    "turn",
    "host-tool",
    "usage",
  ),
  pick: fc.nat(1000),
  text,
});

interface Story {
  readonly events: EventDraft[];
  readonly open: { conversationId: string; block: ConversationBlock }[];
  readonly conversations: string[];
  readonly done: { conversationId: string; blockId: string }[];
  count: number;
}

function newBlock(pick: number, id: string): ConversationBlock {
  const common = { id, timestamp: AT };
  if (pick % 3 === 0) return { type: "assistant_text", ...common, content: "" };
  if (pick % 3 === 1) return { type: "thinking", ...common, content: "" };
  return { type: "tool_use", ...common, toolName: "Bash", toolUseId: `t${id}`, input: {}, status: "pending" };
}

function grown(block: ConversationBlock, delta: string): ConversationBlock {
  if (block.type === "tool_use") return { ...block, partialInput: (block.partialInput ?? "") + delta };
  return block.type === "assistant_text" || block.type === "thinking"
    ? { ...block, content: block.content + delta }
    : block;
}

function whole(block: ConversationBlock): ConversationBlock {
  if (block.type !== "tool_use") return block;
  const { partialInput, ...rest } = block;
  return { ...rest, input: { command: partialInput ?? "" }, status: "running" };
}

function tell(story: Story, { kind, pick, text }: Step): void {
  const sessionId = SESSION;
  const at = story.open.length === 0 ? 0 : pick % story.open.length;
  const open = story.open[at];
  switch (kind) {
    case "start": {
      const conversationId =
        pick % 4 === 0 ? (story.conversations[pick % story.conversations.length] ?? "main") : "main";
      const block = newBlock(pick, `b:${(story.count += 1)}`);
      story.open.push({ conversationId, block });
      story.events.push({ type: "session:block:start", data: { sessionId, conversationId, block } });
      return;
    }
    case "delta": {
      if (open === undefined) return;
      const { conversationId, block } = open;
      story.open[at] = { conversationId, block: grown(block, text) };
      story.events.push({
        type: "session:block:delta",
        data: { sessionId, conversationId, blockId: block.id, delta: text },
      });
      return;
    }
    case "complete":
    case "retract": {
      if (open === undefined) return;
      story.open.splice(at, 1);
      const { conversationId } = open;
      const block = { ...whole(open.block), ...(kind === "retract" ? { retracted: true } : {}) };
      story.done.push({ conversationId, blockId: block.id });
      story.events.push({
        type: "session:block:complete",
        data: { sessionId, conversationId, blockId: block.id, block },
      });
      return;
    }
    case "update": {
      const done = story.done[pick % Math.max(1, story.done.length)];
      if (done === undefined) return;
      story.events.push({ type: "session:block:update", data: { sessionId, ...done, updates: { status: "success" } } });
      return;
    }
    case "file":
      story.events.push({
        type: pick % 2 === 0 ? "session:file:created" : "session:file:modified",
        data: { sessionId, file: { path: `f${pick % 20}`, content: text.repeat(1 + (pick % 3)), encoding: "utf8" } },
      });
      return;
    case "delete":
      story.events.push({ type: "session:file:deleted", data: { sessionId, path: `f${pick % 20}` } });
      return;
    case "subagent": {
      const id = `sub${pick % 150}`;
      if (!story.conversations.includes(id)) {
        story.conversations.push(id);
        story.events.push({
          type: "session:subagent:discovered",
          data: { sessionId, subagent: { id, name: "helper", status: "running" } },
        });
      } else {
        story.events.push({
          type: "session:subagent:completed",
          data: { sessionId, subagentId: id, status: "completed", output: text },
        });
      }
      return;
    }
    case "message":
      story.events.push({
        type: "session:message:queued",
        data: {
          sessionId,
          messageId: `m${(story.count += 1)}`,
          content: text,
          ...(pick % 3 === 0 ? { attachments: [ATTACHMENT], resultSchema: { type: "object" } } : {}),
        },
      });
      return;
    case "turn":
      story.events.push(
        pick % 2 === 0
          ? {
              type: "session:turn:started",
              data: {
                sessionId,
                turnId: `t${pick}`,
                messageIds: [`m${pick % 40}`],
                ...(pick % 3 === 0 ? { resultSchema: { type: "object" } } : {}),
              },
            }
          : {
              type: "session:turn:completed",
              data: {
                sessionId,
                turnId: `t${pick}`,
                messageIds: [],
                status: "completed",
                usage: NO_USAGE,
                costUSD: 0,
                ...(pick % 3 === 0 ? { result: { text } } : {}),
              },
            },
      );
      return;
    case "host-tool": {
      const callId = `call_${pick % 20}`;
      const called = {
        callId,
        toolName: "lookup",
        conversationId: "main",
        toolUseId: `tb:${pick % 40}`,
        input: { text },
      };
      const status = pick % 5 === 0 ? "cancelled" : "success";
      story.events.push(
        pick % 2 === 0
          ? { type: "session:host-tool:called", data: { sessionId, call: called } }
          : { type: "session:host-tool:completed", data: { sessionId, callId, status, content: text } },
      );
      return;
    }
    case "usage":
      story.events.push({
        type: "session:metadata:update",
        data: { sessionId, metadata: { usage: NO_USAGE, costUSD: pick } },
      });
      return;
  }
}

/** Random logs, numbered and as JSON gives them back. */
export const arbitraryLog: fc.Arbitrary<SessionEvent[]> = fc
  .array(step, { minLength: 1, maxLength: 250, size: "max" })
  .map((steps) => {
    const session = { sessionId: SESSION, type: "claude-agent-sdk", agentProfileReference: "default", createdAt: AT };
    const story: Story = {
      events: [{ type: "session:created", data: { sessionId: SESSION, session } }],
      open: [],
      conversations: ["main"],
      done: [],
      count: 0,
    };
    for (const one of steps) tell(story, one);
    return story.events.map(
      (draft, index) => JSON.parse(JSON.stringify({ seq: index + 1, at: AT, ...draft })) as SessionEvent,
    );
  });
