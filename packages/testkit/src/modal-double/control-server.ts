import { once } from "node:events";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { json } from "node:stream/consumers";
import { type ControlRequest, controlRequestSchema } from "./control-schema.ts";

export type ControlTarget = (request: ControlRequest) => Promise<unknown>;

/** The double's own interface, for tests: a POST of one JSON object, on loopback. */
export async function startControlServer(target: ControlTarget): Promise<{ url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => void answer(request, response, target));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, target: ControlTarget): Promise<void> {
  try {
    const result = await target(controlRequestSchema.parse(await json(request)));
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(result ?? null));
  } catch (error) {
    response.writeHead(400).end(error instanceof Error ? error.message : String(error));
  }
}
