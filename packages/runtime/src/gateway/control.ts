import { createLineSplitter, Usage } from "@hhopkins/agent-runtime-protocol";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { z } from "zod";

const Session = z.object({ tenant: z.string(), sessionId: z.string() });
const Identity = z.object({ session: Session, generation: z.number().int(), token: z.string() });
const Rules = z.object({
  allowedHosts: z.array(z.string()),
  secrets: z.array(z.object({ secret: z.string(), hosts: z.array(z.string()) })),
});

/** What a server asks of the gateway's process. All of it is good to say again. */
export const ToGateway = z.discriminatedUnion("type", [
  /** To serve a sandbox: where its sockets lie in `folder`, through them; in any case whoever shows its token from elsewhere. */
  z.object({
    type: z.literal("serve"),
    identity: Identity,
    rules: Rules,
    folder: z.string().startsWith("/").optional(),
  }),
  /** The sandbox with this token has ended. */
  z.object({ type: z.literal("revoke"), token: z.string() }),
]);
export type ToGateway = z.infer<typeof ToGateway>;

const bytes = z.number().int().nonnegative();
export const FromGateway = z.discriminatedUnion("type", [
  z.object({ type: z.literal("serving"), token: z.string() }),
  z.object({ type: z.literal("failed"), token: z.string(), message: z.string() }),
  z.object({ type: z.literal("auth-failure"), identity: Identity, status: z.number().int() }),
  z.object({
    type: z.literal("use"),
    identity: Identity,
    use: z.object({ requests: z.number().int().positive(), usage: Usage, model: z.string().optional() }),
  }),
  z.object({
    type: z.literal("egress"),
    identity: Identity,
    record: z.object({
      host: z.string(),
      port: z.number().int(),
      way: z.enum(["connect", "http", "hosts"]),
      allowed: z.boolean(),
      reason: z.string().optional(),
      bytesSent: bytes,
      bytesReceived: bytes,
    }),
  }),
]);
export type FromGateway = z.infer<typeof FromGateway>;

/** Where the gateway's process says how it is reached: the data directory's own path may be too long for a socket. */
export const GatewayNote = z.object({
  pid: z.number().int(),
  startedAt: z.string(),
  socket: z.string(),
  /** For streams of sandboxes on other hosts. */
  streams: z.string(),
});

export function gatewayNote(dataDir: string): string {
  return join(dataDir, "gateway.json");
}

/** Calls `take` with each line that fits the schema; a stream with anything else is ended. */
export function readFrames<T>(stream: Duplex, schema: z.ZodType<T>, take: (frame: T) => void): void {
  const lines = createLineSplitter();
  stream.on("error", () => stream.destroy());
  stream.on("data", (chunk: Uint8Array) => {
    try {
      for (const line of lines.push(chunk)) take(schema.parse(JSON.parse(line)));
    } catch {
      stream.destroy();
    }
  });
}
