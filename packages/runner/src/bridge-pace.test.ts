import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startBridge } from "./bridge.ts";
import { temporaryFolder } from "./testing/temporary-folder.ts";

const PIECES = 4;
const ROUNDS = 8;
/** Larger than one packet, as a harness's requests are. */
const REQUEST = "x".repeat(20_000);

let folder: ReturnType<typeof temporaryFolder>;
const cleanups: (() => unknown)[] = [];
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  folder.remove();
});

/** Answers each whole request with small pieces, each with the time of its writing. */
function answerInPieces(socket: Socket): void {
  let received = 0;
  socket.on("data", (chunk) => {
    received += chunk.length;
    if (received % REQUEST.length !== 0) return;
    let left = PIECES;
    const say = (): void => {
      socket.write(`${performance.now()}\n`);
      left--;
      if (left > 0) setTimeout(say, 2);
    };
    say();
  });
}

async function listening(server: Server, at: { path: string } | { port: 0; host: string }): Promise<number> {
  await new Promise<void>((resolve) => server.listen(at, resolve));
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  return "path" in at ? 0 : (server.address() as AddressInfo).port;
}

/** The median of how long a piece is on its way, in ms. */
async function lagOf(port: number): Promise<number> {
  const client = connect({ port, host: "127.0.0.1", noDelay: true }).setEncoding("utf8");
  const lags: number[] = [];
  let rest = "";
  for (let round = 1; round <= ROUNDS; round++) {
    client.write(REQUEST);
    while (lags.length < round * PIECES) {
      const chunk = await new Promise<string>((resolve) => client.once("data", resolve));
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) lags.push(performance.now() - Number(line));
    }
  }
  client.destroy();
  return lags.toSorted((a, b) => a - b)[Math.floor(lags.length / 2)] ?? Number.NaN;
}

it("passes each piece of an answer on at once", async ({ skip }) => {
  const socket = join(folder.path, "gateway.sock");
  await listening(createServer(answerInPieces), { path: socket });
  const bridge = await startBridge({ socket, log: () => {}, port: 0 });
  cleanups.push(() => bridge.stop());
  const loopback = { port: 0, host: "127.0.0.1" } as const;
  const prompt = await lagOf(await listening(createServer({ noDelay: true }, answerInPieces), loopback));
  const delayed = await lagOf(await listening(createServer({ noDelay: false }, answerInPieces), loopback));
  skip(delayed < 4 * prompt, "this system acknowledges at once, so that nothing could wait");
  expect(await lagOf(Number(new URL(bridge.url).port))).toBeLessThan((prompt + delayed) / 2);
});
