import {
  AskAnswer,
  ClientId,
  FileEntry,
  fromZodError,
  Id,
  MAX_ATTACHMENTS,
  MessageMode,
  NetworkUse,
  ResolvedAsk,
  RewindSessionAnswer,
  RewindSessionBody,
  ResultSchema,
  RuntimeError,
  SandboxLog,
  SendMessageAnswer,
  Sha256,
  UpdateOptionsBody,
  WorkspacePath,
} from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";
import { BytesPiece, IncomingAttachment } from "./sent-bytes.ts";

const NOTHING = z.strictObject({});
const Message = z.strictObject({
  content: z.string().min(1),
  messageId: ClientId.optional(),
  idempotencyKey: ClientId.optional(),
  mode: MessageMode.optional(),
  attachments: z.array(IncomingAttachment).max(MAX_ATTACHMENTS).optional(),
  resultSchema: ResultSchema.optional(),
});

/** What only the node can do that runs a session, by name: what it takes, and what it answers. Both are plain JSON. */
export const sessionMethods = {
  send: { body: Message, answer: SendMessageAnswer },
  /** Of what a message comes with that is about to be sent, or of a file that is about to be put. */
  keepBytes: { body: BytesPiece, answer: z.null() },
  /** Its bytes are kept already. */
  putFile: {
    body: z.strictObject({ path: WorkspacePath, size: z.number().int().nonnegative(), sha256: Sha256 }),
    answer: z.object({ file: FileEntry, created: z.boolean() }),
  },
  deleteFile: { body: z.strictObject({ path: WorkspacePath }), answer: z.null() },
  updateMessage: { body: z.strictObject({ messageId: ClientId, content: z.string().min(1) }), answer: z.null() },
  withdrawMessage: { body: z.strictObject({ messageId: ClientId }), answer: z.null() },
  /** `by`: id of the principal; absent: the application itself. */
  answer: { body: z.strictObject({ askId: Id, answer: AskAnswer, by: z.string().optional() }), answer: ResolvedAsk },
  /** With the turn that whoever asked could see: a later one is not meant. */
  interrupt: { body: z.strictObject({ turnId: Id.optional() }), answer: z.null() },
  stopSubagent: { body: z.strictObject({ subagentId: Id }), answer: z.null() },
  updateOptions: { body: UpdateOptionsBody, answer: z.null() },
  rewind: { body: RewindSessionBody, answer: RewindSessionAnswer },
  sync: { body: NOTHING, answer: z.null() },
  unload: { body: NOTHING, answer: z.null() },
  delete: { body: NOTHING, answer: z.null() },
  /** What its sandboxes reached, which the node has in memory alone. */
  network: { body: NOTHING, answer: z.array(NetworkUse) },
  /** What its sandbox's runner wrote of its work. */
  sandboxLog: { body: NOTHING, answer: SandboxLog },
} as const;

export type SessionMethod = keyof typeof sessionMethods;
export type MethodBody<M extends SessionMethod> = z.infer<(typeof sessionMethods)[M]["body"]>;
export type MethodAnswer<M extends SessionMethod> = z.infer<(typeof sessionMethods)[M]["answer"]>;

export function isSessionMethod(name: string): name is SessionMethod {
  return Object.hasOwn(sessionMethods, name);
}

/** A body as it came over from another node. Throws `invalid_request`. */
export function methodBody<M extends SessionMethod>(method: M, body: unknown): MethodBody<M> {
  const parsed = sessionMethods[method].body.safeParse(body);
  if (parsed.success) return parsed.data as MethodBody<M>;
  throw fromZodError(parsed.error);
}

/** An answer as it came over from another node. Throws `protocol_error`: that node is of another version. */
export function methodAnswer<M extends SessionMethod>(method: M, answer: unknown): MethodAnswer<M> {
  const parsed = sessionMethods[method].answer.safeParse(answer);
  if (parsed.success) return parsed.data as MethodAnswer<M>;
  throw new RuntimeError("protocol_error", `Another server's answer to ${method} is not one that this version knows.`);
}

/** Those that take as long as a sandbox does; what is asked of a session meanwhile does not wait for them. */
export const LONG_METHODS: ReadonlySet<SessionMethod> = new Set(["rewind", "sync", "unload", "delete", "sandboxLog"]);
