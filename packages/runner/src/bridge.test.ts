import { once } from "node:events";
import { renameSync } from "node:fs";
import { createServer, request } from "node:http";
import type { IncomingMessage, Server as HttpServer } from "node:http";
import { connect, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startBridge } from "./bridge.ts";
import type { Bridge } from "./bridge.ts";
import { temporaryFolder } from "./testing/temporary-folder.ts";

let folder: ReturnType<typeof temporaryFolder>;
let socket: string;
const cleanups: (() => Promise<unknown>)[] = [];
beforeEach(() => {
  folder = temporaryFolder();
  socket = join(folder.path, "gateway.sock");
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  folder.remove();
});

async function bridge(options: { port?: number; holdMs?: number } = {}): Promise<Bridge> {
  const started = await startBridge({ socket, log: () => {}, port: 0, ...options });
  cleanups.push(() => started.stop());
  return started;
}

async function gateway(server: HttpServer | ReturnType<typeof createTcpServer>): Promise<void> {
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
}

const echo = () =>
  createServer((incoming, response) => {
    void text(incoming).then((body) => response.end(`${incoming.method} ${incoming.url} ${body.length}`));
  });

describe("the bridge to the gateway", () => {
  it("carries HTTP both ways, large bodies too", async () => {
    await gateway(echo());
    const { url } = await bridge();
    const body = "x".repeat(3_000_000);
    const answer = await fetch(`${url}/v1/messages`, { method: "POST", body });
    expect(await answer.text()).toBe(`POST /v1/messages ${body.length}`);
  });

  it("holds a request while the gateway is away", async () => {
    const { url } = await bridge();
    const answer = fetch(`${url}/later`);
    // The connection is taken although nobody listens behind it.
    await new Promise<void>((resolve, reject) => {
      const probe = connect(Number(new URL(url).port), "127.0.0.1", () => resolve(void probe.destroy()));
      probe.on("error", reject);
    });
    await gateway(echo());
    expect(await (await answer).text()).toBe("GET /later 0");
  });

  it("breaks, when it is told to, what hangs at a gateway whose socket another one has taken, and nothing else", async () => {
    const hanging = createServer(() => undefined);
    await gateway(hanging);
    const { url, breakStale } = await bridge();
    const ask = async (path: string) => {
      const asked = once(hanging, "request") as Promise<[IncomingMessage]>;
      const answer = fetch(`${url}${path}`).then(String, () => "broken");
      return { answer, request: (await asked)[0] };
    };
    const first = await ask("/first");
    breakStale();
    const second = await ask("/second");
    expect(first.request.socket.destroyed).toBe(false);
    const next = echo();
    await new Promise<void>((resolve) => next.listen(`${socket}.other`, resolve));
    cleanups.push(() => new Promise((resolve) => next.close(resolve)));
    renameSync(`${socket}.other`, socket);
    breakStale();
    expect(await Promise.all([first.answer, second.answer])).toEqual(["broken", "broken"]);
    expect(await (await fetch(`${url}/again`)).text()).toBe("GET /again 0");
  });

  it("gives up after a time, with a closed connection and no crash", async () => {
    const { url } = await bridge({ holdMs: 1 });
    await expect(fetch(url)).rejects.toThrow(/fetch failed/);
  });

  it("passes on the end of one direction alone", async () => {
    const server = createTcpServer({ allowHalfOpen: true }, (stream) => {
      void text(stream).then((all) => stream.end(`got ${all}`));
    });
    await gateway(server);
    const { url } = await bridge();
    const client = connect({ port: Number(new URL(url).port), host: "127.0.0.1", allowHalfOpen: true });
    client.end("everything");
    expect(await text(client)).toBe("got everything");
  });

  it("breaks one side when the other breaks, both ways", async () => {
    const gone = Promise.withResolvers<void>();
    const server = createServer((incoming, response) => {
      if (incoming.url === "/cut") return void incoming.socket.destroy();
      response.write("begin");
      response.on("close", () => gone.resolve());
    });
    await gateway(server);
    const { url } = await bridge();
    await expect(fetch(`${url}/cut`)).rejects.toThrow(/fetch failed/);
    const call = request(`${url}/long`, (response) => response.once("data", () => call.destroy()));
    call.on("error", () => {});
    call.end();
    await gone.promise;
  });

  it("takes another port when its own is taken", async () => {
    const first = await bridge();
    const port = Number(new URL(first.url).port);
    const second = await bridge({ port });
    expect(second.url).not.toBe(first.url);
  });
});
