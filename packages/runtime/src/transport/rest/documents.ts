import {
  AgentProfileAnswer,
  AskAnswer,
  BlocksPage,
  CreateSessionAnswer,
  CreateSessionBody,
  CreateTokenAnswer,
  CreateTokenBody,
  FileEntry,
  ForkSessionAnswer,
  ForkSessionBody,
  ListFilesAnswer,
  ListProfilesAnswer,
  ListSessionsAnswer,
  NetworkAnswer,
  Problem,
  RewindSessionAnswer,
  RewindSessionBody,
  ResolvedAsk,
  SandboxAnswer,
  SendMessageAnswer,
  SendMessageBody,
  SessionOptions,
  UpdateMessageBody,
  UpdateOptionsBody,
} from "@hhopkins/agent-runtime-protocol";
import { z } from "@hono/zod-openapi";
import { SessionStateDocument } from "./state-document.ts";

/** The protocol's bodies with the names that they have in the OpenAPI document. */
export const documents = {
  AgentProfileAnswer: AgentProfileAnswer.meta({ id: "AgentProfileAnswer" }),
  AskAnswer: AskAnswer.meta({ id: "AskAnswer" }),
  BlocksPage: BlocksPage.meta({ id: "BlocksPage" }),
  CreateSessionAnswer: CreateSessionAnswer.meta({ id: "CreateSessionAnswer" }),
  CreateSessionBody: CreateSessionBody.meta({ id: "CreateSessionBody" }),
  CreateTokenAnswer: CreateTokenAnswer.meta({ id: "CreateTokenAnswer" }),
  CreateTokenBody: CreateTokenBody.meta({ id: "CreateTokenBody" }),
  FileEntry: FileEntry.meta({ id: "FileEntry" }),
  ForkSessionAnswer: ForkSessionAnswer.meta({ id: "ForkSessionAnswer" }),
  ForkSessionBody: ForkSessionBody.meta({ id: "ForkSessionBody" }),
  ListFilesAnswer: ListFilesAnswer.meta({ id: "ListFilesAnswer" }),
  ListProfilesAnswer: ListProfilesAnswer.meta({ id: "ListProfilesAnswer" }),
  ListSessionsAnswer: ListSessionsAnswer.meta({ id: "ListSessionsAnswer" }),
  NetworkAnswer: NetworkAnswer.meta({ id: "NetworkAnswer" }),
  Problem: Problem.meta({ id: "Problem" }),
  SandboxAnswer: SandboxAnswer.meta({ id: "SandboxAnswer" }),
  ResolvedAsk: ResolvedAsk.meta({ id: "ResolvedAsk" }),
  RewindSessionAnswer: RewindSessionAnswer.meta({ id: "RewindSessionAnswer" }),
  RewindSessionBody: RewindSessionBody.meta({ id: "RewindSessionBody" }),
  SendMessageAnswer: SendMessageAnswer.meta({ id: "SendMessageAnswer" }),
  SendMessageBody: SendMessageBody.meta({ id: "SendMessageBody" }),
  SendMessageForm: z
    .object({
      content: z.string(),
      messageId: z.string().optional(),
      mode: z.string().optional(),
      resultSchema: z.string().optional().meta({ description: "JSON" }),
      files: z.array(z.string().meta({ format: "binary" })).optional(),
      workspace: z.array(z.string().meta({ format: "binary" })).optional(),
      model: z.array(z.string().meta({ format: "binary" })).optional(),
    })
    .meta({ id: "SendMessageForm", description: "Files of the fields workspace and model go there." }),
  SessionOptions: SessionOptions.meta({ id: "SessionOptions" }),
  SessionState: SessionStateDocument.meta({ id: "SessionState", description: "The reduced log, as of lastSeq." }),
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
