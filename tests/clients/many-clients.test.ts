import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { KEY, startFedServer, startFollowers, type FedServer, type Followers } from "./fed-server.ts";
import type { FollowersAnswer, Transport } from "./follower-words.ts";

const CROWD = 1000;
const MIB = 1024 * 1024;
const CHARS = 300;

let server: FedServer;
let crowd: Followers;
let sessionId: string;

beforeAll(async () => {
  server = await startFedServer();
});
afterAll(() => server[Symbol.asyncDispose]());

beforeEach(async () => {
  crowd = await startFollowers();
  sessionId = await server.create();
});
afterEach(() => crowd[Symbol.asyncDispose]());

const place = (transport: Transport) => ({ transport, url: server.url, sessionId, key: KEY });

/** Every follower has every delta, and never missed a number or got one twice. */
function expectAll(followers: FollowersAnswer["followers"], count: number, deltas: number): void {
  expect(followers).toHaveLength(count);
  const [first] = followers;
  expect(new Set(followers.map((follower) => JSON.stringify(follower))).size).toBe(1);
  expect(first).toMatchObject({ chars: deltas * CHARS, fault: null });
}

test("1,000 clients on one session each get every event once, and leave nothing behind", async () => {
  const round = async (): Promise<Awaited<ReturnType<FedServer["holds"]>>> => {
    sessionId = await server.create();
    await crowd.ask({ open: CROWD, ...place("websocket") });
    await server.order(sessionId, { deltas: 200, chars: CHARS });
    expectAll(await crowd.ask({ turns: 1 }), CROWD, 200);
    await crowd.ask({ close: true });
    await server.remove(sessionId);
    return goneQuiet();
  };
  // The first crowd makes the process what it is: code that is compiled, tables that have grown.
  await round();
  const before = await round();
  const after = await round();
  expect(after.descriptors).toBeLessThanOrEqual(before.descriptors);
  expect(after.resources.TCPSocketWrap).toBe(before.resources.TCPSocketWrap);
  expect(after.bytes - before.bytes).toBeLessThan(CROWD * 1024);
});

test("1,000 clients that come back at once, amid a turn, each get what they missed", async () => {
  await crowd.ask({ open: CROWD, ...place("websocket") });
  await server.order(sessionId, { deltas: 300, chars: CHARS, perSecond: 100 });
  await crowd.ask({ reconnect: true });
  expectAll(await crowd.ask({ turns: 1 }), CROWD, 300);
  await crowd.ask({ close: true });
  await server.remove(sessionId);
});

test.each<Transport>(["websocket", "sse"])(
  "clients that stop reading (%s) cost at most 2 MB each, hold nobody up, and get everything later",
  async (transport) => {
    const stalled = 10;
    const deltas = 20_000;
    await using quick = await startFollowers();
    await quick.ask({ open: 1, ...place("websocket") });
    await server.order(sessionId, { deltas, chars: CHARS });
    await quick.ask({ turns: 1 });
    const before = await server.holds();
    await crowd.ask({ open: stalled, ...place(transport) });
    await crowd.ask({ turns: 1 });
    await crowd.ask({ pause: true });
    await server.order(sessionId, { deltas, chars: CHARS });
    // While they read nothing.
    expectAll(await quick.ask({ turns: 2 }), 1, 2 * deltas);
    // What the turn's end set going in the background is not theirs.
    const extra = async (): Promise<number> => (await server.holds()).bytes - before.bytes;
    await vi.waitFor(async () => expect(await extra()).toBeLessThan(stalled * 2 * MIB), {
      timeout: 20_000,
      interval: 200,
    });
    await crowd.ask({ resume: true });
    expectAll(await crowd.ask({ turns: 2 }), stalled, 2 * deltas);
    await Promise.all([quick.ask({ close: true }), crowd.ask({ close: true })]);
    await server.remove(sessionId);
  },
);

/** What the server holds when all of its clients are gone. */
async function goneQuiet(): Promise<Awaited<ReturnType<FedServer["holds"]>>> {
  return vi.waitFor(
    async () => {
      const held = await server.holds();
      if ((held.resources.TCPSocketWrap ?? 0) > 2) throw new Error(`sockets are left: ${JSON.stringify(held)}`);
      return held;
    },
    { timeout: 20_000, interval: 100 },
  );
}
