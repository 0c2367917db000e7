/**
 * Many clients in one process, as cheap as they can be so that they are not what is measured: sockets that look for
 * a word in what comes and decode nothing. Whether it is right is for the tests to see.
 */
import { connect, type Socket } from "node:net";
import { randomBytes } from "node:crypto";
import { serveParent } from "../child.ts";
import type { CrowdRequest, CrowdTake } from "./crowd-words.ts";

/** Longer than any word that is looked for. */
const CARRIED = 64;

class Listener {
  readonly #socket: Socket;
  #tail = "";
  #word: string;
  #found = Promise.withResolvers<void>();
  bytes = 0;
  latencies: number[] = [];

  constructor(request: Extract<CrowdRequest, { open: number }>) {
    this.#word = request.ready;
    this.#socket = connect({ port: request.port, host: "127.0.0.1", noDelay: true });
    const upgrade = request.upgrade
      ? `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n`
      : "";
    this.#socket.write(
      `GET ${request.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nx-api-key: ${request.key}\r\n${upgrade}\r\n`,
    );
    this.#socket.on("data", (chunk: Buffer) => this.#take(chunk));
    this.#socket.on("error", (error) => this.#found.reject(error));
    this.#socket.on("close", () => this.#found.reject(new Error(`the server closed a connection: ${this.#tail}`)));
    this.#found.promise.catch(() => undefined);
  }

  #take(chunk: Buffer): void {
    this.bytes += chunk.length;
    const text = this.#tail + chunk.toString("latin1");
    // Socket.IO's own handshake: after the engine's open packet, connect to the default namespace.
    if (this.#word.startsWith("40") && text.includes('0{"sid"') && !text.includes('40{"sid"'))
      this.#socket.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x34, 0x30]));
    if (text.includes("@")) this.#time(text);
    this.#tail = text.slice(-CARRIED);
    if (text.includes(this.#word)) this.#found.resolve();
  }

  #time(text: string): void {
    const now = process.hrtime.bigint();
    // One whose end is in the carried tail was counted with the last chunk.
    const counted = this.#tail.length;
    for (const found of text.matchAll(/@(\d+);/g)) {
      if (found.index + found[0].length > counted) this.latencies.push(Number(now - BigInt(found[1] ?? 0)) / 1e6);
    }
  }

  ready(): Promise<void> {
    return this.#found.promise;
  }

  expect(word: string): Promise<void> {
    this.#word = word;
    this.#found = Promise.withResolvers();
    this.#found.promise.catch(() => undefined);
    this.bytes = 0;
    this.latencies = [];
    return this.#found.promise;
  }

  close(): void {
    this.#socket.destroy();
  }
}

let listeners: Listener[] = [];
let expected: Promise<unknown> = Promise.resolve();

async function answer(request: CrowdRequest): Promise<CrowdTake | Record<string, never>> {
  if ("open" in request) {
    for (let open = 0; open < request.open; open += 50) {
      const more = Array.from({ length: Math.min(50, request.open - open) }, () => new Listener(request));
      listeners.push(...more);
      await Promise.all(more.map((listener) => listener.ready()));
    }
  } else if ("expect" in request) {
    expected = Promise.all(listeners.map((listener) => listener.expect(request.expect)));
    expected.catch(() => undefined);
  } else if ("wait" in request) {
    await expected;
    const bytes = listeners.reduce((sum, listener) => sum + listener.bytes, 0);
    return {
      at: Number(process.hrtime.bigint()) / 1e6,
      bytes,
      latencies: listeners.flatMap(({ latencies }) => latencies),
    };
  } else {
    for (const listener of listeners) listener.close();
    listeners = [];
  }
  return {};
}

process.on("message", (request: CrowdRequest) => {
  answer(request).then(
    (said) => process.send?.(said),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
serveParent(0, async () => undefined);
