import { z } from "zod";
import { MAIN_CONVERSATION } from "./blocks.ts";
import { Id, JsonObject, Timestamp } from "./primitives.ts";

/**
 * `permission`: may this tool be called? `question`: one or more, with options. `plan`: is this how to go on?
 * `elicitation`: an MCP server wants to know something.
 */
export const AskKind = z.enum(["permission", "question", "plan", "elicitation"]);
export type AskKind = z.infer<typeof AskKind>;

const Choice = z.union([z.string().max(10_000), z.array(z.string().max(10_000)).max(100)]);

/** The answer to an ask. What its kind has no use for is refused. */
export const AskAnswer = z.discriminatedUnion("decision", [
  z.strictObject({
    decision: z.literal("allow"),
    /** Of a permission: for this call (as where it is absent), or for every such call of the session. */
    scope: z.enum(["once", "session"]).optional(),
    /** Of a permission: what the tool is called with instead. */
    input: JsonObject.optional(),
    /** Of a question: what was chosen or written, by the question's text. */
    answers: z.record(z.string(), Choice).optional(),
    /** Of an elicitation: what was asked for. */
    content: JsonObject.optional(),
  }),
  z.strictObject({
    decision: z.literal("deny"),
    /** The agent is told it. */
    reason: z.string().max(10_000).optional(),
  }),
]);
export type AskAnswer = z.infer<typeof AskAnswer>;

/** What the agent asks, as a runner tells it: the rest is the server's own. */
export const OpenedAsk = z.object({
  askId: Id,
  /** `"main"`, or the subagent that asks. */
  conversationId: z.string().default(MAIN_CONVERSATION),
  kind: AskKind,
  /** The ask as one line for people. */
  prompt: z.string(),
  /** The tool's call that waits for the answer. */
  toolUseId: Id.optional(),
  /** Of a permission: what `allow` for the session allows from then on, in the harness's own syntax. Absent: it is allowed once. */
  rule: z.string().min(1).max(1000).optional(),
  /**
   * `permission`: `toolName`, `input`. `question`: `questions`, each with `question`, `header`, `multiSelect`, `options`
   * of `label` and `description`. `plan`: `plan`, and where the session
   * is in mode `plan`, the `permissionMode` that it has once it is approved. `elicitation`: `serverName`, `message`, `requestedSchema`.
   */
  details: JsonObject.optional(),
});
export type OpenedAsk = z.infer<typeof OpenedAsk>;

/** Something that the agent asks a person. It is answered once. */
export const Ask = OpenedAsk.extend({
  openedAt: Timestamp,
  /** From then on `default` counts as the answer; absent: it waits for ever. */
  expiresAt: Timestamp.optional(),
  default: AskAnswer.optional(),
  /** Ids of the principals who may answer; absent: whoever may write to the session. */
  answerableBy: z.array(z.string()).optional(),
  /** In a state: texts of it were cut. The event has them whole. */
  truncated: z.boolean().optional(),
});
export type Ask = z.infer<typeof Ask>;

/** What a profile says of asks. */
export const AskRules = z.strictObject({
  /** Milliseconds until an ask that nobody answers is answered by `onExpiry`; absent: it waits for ever. */
  expiresAfterMs: z.number().int().positive().optional(),
  /** Absent: `deny`. */
  onExpiry: z.enum(["allow", "deny"]).optional(),
  /** Ids of the principals who may answer; absent: whoever may write to the session. */
  answerableBy: z.array(z.string().min(1).max(200)).min(1).max(100).optional(),
});
export type AskRules = z.infer<typeof AskRules>;
