import {
  AgentProfileAnswer,
  AskAnswer,
  BlocksPage,
  CreateSessionAnswer,
  CreateSessionBody,
  ListFilesAnswer,
  ListProfilesAnswer,
  ListSessionsAnswer,
  NetworkAnswer,
  Problem,
  ResolvedAsk,
  SendMessageAnswer,
  SendMessageBody,
  SessionOptions,
  UpdateMessageBody,
  UpdateOptionsBody,
} from "@hhopkins/agent-runtime-protocol";
import { z } from "@hono/zod-openapi";

/** The protocol's bodies with the names that they have in the OpenAPI document. */
export const documents = {
  AgentProfileAnswer: AgentProfileAnswer.meta({ id: "AgentProfileAnswer" }),
  AskAnswer: AskAnswer.meta({ id: "AskAnswer" }),
  BlocksPage: BlocksPage.meta({ id: "BlocksPage" }),
  CreateSessionAnswer: CreateSessionAnswer.meta({ id: "CreateSessionAnswer" }),
  CreateSessionBody: CreateSessionBody.meta({ id: "CreateSessionBody" }),
  ListFilesAnswer: ListFilesAnswer.meta({ id: "ListFilesAnswer" }),
  ListProfilesAnswer: ListProfilesAnswer.meta({ id: "ListProfilesAnswer" }),
  ListSessionsAnswer: ListSessionsAnswer.meta({ id: "ListSessionsAnswer" }),
  NetworkAnswer: NetworkAnswer.meta({ id: "NetworkAnswer" }),
  Problem: Problem.meta({ id: "Problem" }),
  ResolvedAsk: ResolvedAsk.meta({ id: "ResolvedAsk" }),
  SendMessageAnswer: SendMessageAnswer.meta({ id: "SendMessageAnswer" }),
  SendMessageBody: SendMessageBody.meta({ id: "SendMessageBody" }),
  SessionOptions: SessionOptions.meta({ id: "SessionOptions" }),
  SessionState: z.looseObject({ sessionId: z.string(), logId: z.string(), lastSeq: z.number() }).meta({
    id: "SessionState",
    description: "The reduced log: the list item's fields, blocks, subagents, workspaceFiles, queue, turn, lastSeq, …",
  }),
  UpdateMessageBody: UpdateMessageBody.meta({ id: "UpdateMessageBody" }),
  UpdateOptionsBody: UpdateOptionsBody.meta({ id: "UpdateOptionsBody" }),
};

export const sessionPath = z.object({ id: z.string() });

/** A JSON request body of a route. */
export function body<T extends z.ZodType>(schema: T) {
  return { required: true, content: { "application/json": { schema } } } as const;
}

/** A JSON answer of a route. */
export function answer<T extends z.ZodType>(description: string, schema: T) {
  return { description, content: { "application/json": { schema } } } as const;
}

/** What every route answers when it refuses or fails. */
export const problems = {
  default: { description: "What went wrong", content: { "application/problem+json": { schema: documents.Problem } } },
} as const;
