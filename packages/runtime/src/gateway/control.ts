import { createLineSplitter } from "@hhopkins/agent-runtime-protocol";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { z } from "zod";

const Session = z.object({ tenant: z.string(), sessionId: z.string() });
const Identity = z.object({ session: Session, generation: z.number().int(), token: z.string() });

/** What a server asks of the gateway's process: to serve the sandbox whose sockets lie in this folder. Good to say again. */
export const ToGateway = z.object({ type: z.literal("serve"), folder: z.string().startsWith("/"), identity: Identity });
export type ToGateway = z.infer<typeof ToGateway>;

export const FromGateway = z.discriminatedUnion("type", [
  z.object({ type: z.literal("serving"), folder: z.string() }),
  z.object({ type: z.literal("failed"), folder: z.string(), message: z.string() }),
  z.object({ type: z.literal("auth-failure"), identity: Identity, status: z.number().int() }),
]);
export type FromGateway = z.infer<typeof FromGateway>;

/** Where the gateway's process says how it is reached: the data directory's own path may be too long for a socket. */
export const GatewayNote = z.object({ pid: z.number().int(), startedAt: z.string(), socket: z.string() });

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
