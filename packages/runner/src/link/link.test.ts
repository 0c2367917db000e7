import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MAX_LINE_BYTES, encodeLine } from "@hhopkins/agent-runtime-protocol";
import type { CommandBody } from "@hhopkins/agent-runtime-protocol";
import { openJournal } from "../journal/journal.ts";
import type { Journal } from "../journal/journal.ts";
import { FakeServer, until } from "../testing/fake-server.ts";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import { startLink } from "./link.ts";
import type { Link } from "./link.ts";

let folder: ReturnType<typeof temporaryFolder>;
let server: FakeServer;
let journal: Journal;
let link: Link | null;
let commands: [string, CommandBody][];
let ending: boolean;
let takenOver: number;

beforeEach(() => {
  folder = temporaryFolder();
  server = new FakeServer(join(folder.path, "runner.sock"));
  journal = openJournal({ folder: join(folder.path, "journal"), maxBytes: 300_000, tailBytes: 2_000, log: () => {} });
  link = null;
  commands = [];
  ending = false;
  takenOver = 0;
});
afterEach(async () => {
  await server.close();
  await link?.stop();
  journal.close();
  folder.remove();
});

function start(): Link {
  link = startLink({
    socket: server.path,
    state: folder.path,
    generation: 1,
    journal,
    log: () => {},
    onCommand(id, command) {
      commands.push([id, command]);
      return null;
    },
    onAttached: () => {},
    onDetached: () => {},
    onTakenOver: () => void takenOver++,
    isEnding: () => ending,
  });
  return link;
}

const say = (text: string) =>
  journal.append({ kind: "block:delta", conversationId: "main", blockId: "b", delta: text });

describe("the link to a server", () => {
  it("says hello, sends what was not acknowledged, then what comes", async () => {
    await say("one");
    await say("two");
    await server.listen();
    start();
    const peer = await server.peer(0);
    expect(await peer.frame("hello")).toEqual({
      type: "hello",
      version: 1,
      generation: 1,
      first: 1,
      last: 2,
      fence: 0,
    });
    peer.attach(1);
    await until(() => peer.entries.length === 1);
    await say("three");
    await until(() => peer.entries.length === 2);
    expect(peer.entries.map((entry) => entry.n)).toEqual([2, 3]);
    expect(journal.acked).toBe(1);
    peer.send({ type: "ack", n: 3 });
    await until(() => journal.acked === 3);
    peer.send({ type: "ping", id: "p1" });
    expect(await peer.frame("pong")).toEqual({ type: "pong", id: "p1" });
  });

  it("waits for a server that comes later, and for one that comes back at the same path", async () => {
    start();
    await say("one");
    await server.listen();
    (await server.peer(0)).attach();
    await until(() => server.peers[0]?.entries.length === 1);
    await server.close();
    await until(() => link?.attached === false);
    await server.listen();
    const again = await server.peer(1);
    expect(await again.frame("hello")).toMatchObject({ fence: 1 });
    again.attach(1);
    await say("two");
    await until(() => again.entries.length === 1);
    expect(again.entries[0]?.n).toBe(2);
  });

  it("dials the new server although the old one still holds its connection, and closes the old one then", async () => {
    await server.listen();
    start();
    const old = await server.peer(0);
    old.attach(0, { fence: 1 });
    await until(() => link?.attached);
    const next = new FakeServer(server.path);
    await next.listen();
    try {
      const peer = await next.peer(0);
      peer.attach(0, { fence: 2 });
      expect(await old.frame("refused")).toMatchObject({ code: "replaced" });
      await say("one");
      await until(() => peer.entries.length === 1);
      expect(old.entries).toEqual([]);
    } finally {
      await next.close();
    }
  });

  it("keeps the highest fence, over a restart too: lower attaches and commands are refused", async () => {
    await server.listen();
    start();
    (await server.peer(0)).attach(0, { fence: 5 });
    await until(() => link?.attached);
    (await server.peer(0)).command("c1", { kind: "sync" }, 4);
    expect(await (await server.peer(0)).frame("refused")).toMatchObject({ code: "stale_fence" });
    expect(commands).toEqual([]);
    await link?.stop();
    start();
    const peer = await server.newest();
    expect(await peer.frame("hello")).toMatchObject({ fence: 5 });
    peer.attach(0, { fence: 4 });
    expect(await peer.frame("refused")).toMatchObject({ code: "stale_fence" });
    await until(() => peer.closed);
    const higher = await server.newest();
    higher.attach(0, { fence: 5 });
    higher.command("c2", { kind: "sync" }, 6);
    higher.command("c3", { kind: "sync" }, 5);
    expect(await higher.frame("refused")).toMatchObject({ code: "stale_fence" });
    expect(commands.map(([id]) => id)).toEqual(["c2"]);
  });

  it("tells a takeover by a higher fence from a server that comes back, and from one whose gateway outlives it", async () => {
    await server.listen();
    start();
    const attach = async (fence: number, gatewayOutlives?: boolean): Promise<void> => {
      const peer = await server.newest();
      await peer.frame("hello");
      peer.send({ type: "attach", version: 1, generation: 1, fence, after: 0, gatewayOutlives });
      await until(() => link?.attached);
      peer.socket.destroy();
      await until(() => link?.attached === false);
    };
    await attach(3);
    await attach(3);
    expect(takenOver).toBe(0);
    await attach(4, true);
    expect(takenOver).toBe(1);
    await attach(5);
    expect(takenOver).toBe(1);
    await attach(6);
    expect(takenOver).toBe(2);
  });

  it("dials anew when a server is silent for longer than it said, and keeps one that speaks", async () => {
    await server.listen();
    start();
    const silent = await server.peer(0);
    silent.send({ type: "attach", version: 1, generation: 1, fence: 1, after: 0, silenceMs: 40 });
    await until(() => silent.closed);
    const speaking = await server.peer(1);
    speaking.send({ type: "attach", version: 1, generation: 1, fence: 1, after: 0, silenceMs: 5_000 });
    for (let n = 0; n < 5; n++) {
      speaking.send({ type: "ping", id: `p${n}` });
      await until(() => speaking.frames.filter(({ type }) => type === "pong").length === n + 1);
    }
    expect(link?.attached).toBe(true);
    expect(server.peers.length).toBe(2);
  });

  const refusals: Record<string, string | Uint8Array> = {
    "no JSON": "hello there\n",
    "an unknown frame": encodeLine({ type: "shutdown" }),
    "a wrong generation": encodeLine({ type: "attach", version: 1, generation: 2, fence: 1, after: 0 }),
    "another version": encodeLine({ type: "attach", version: 2, generation: 1, fence: 1, after: 0 }),
    "a cursor ahead of the journal": encodeLine({ type: "attach", version: 1, generation: 1, fence: 1, after: 9 }),
    "a command before the attach": encodeLine({ type: "command", id: "a", fence: 1, command: { kind: "sync" } }),
    "an ack before the attach": encodeLine({ type: "ack", n: 0 }),
    "a path that climbs out": encodeLine({
      type: "command",
      id: "a",
      fence: 1,
      command: { kind: "file:put", file: { path: "../evil" }, offset: 0, data: "", last: true },
    }),
    "bytes that are no UTF-8": new Uint8Array([0xc3, 0x28, 0x0a]),
    "a line without end": "x".repeat(MAX_LINE_BYTES + 1),
    "deep nesting": `${"[".repeat(100_000)}\n`,
  };
  for (const [name, input] of Object.entries(refusals)) {
    it(`refuses ${name}, and a better server is served afterwards`, async () => {
      await server.listen();
      start();
      const bad = await server.peer(0);
      bad.sendRaw(input);
      expect(await bad.frame("refused")).toMatchObject({ code: "protocol_error" });
      await until(() => bad.closed);
      expect(commands).toEqual([]);
      const good = await server.newest();
      good.attach();
      await say("one");
      await until(() => good.entries.length === 1);
    });
  }

  it("refuses acknowledgements of what it never said", async () => {
    await server.listen();
    start();
    const peer = await server.peer(0);
    peer.attach();
    peer.send({ type: "ack", n: 7 });
    expect(await peer.frame("refused")).toMatchObject({ code: "protocol_error" });
    expect(journal.acked).toBe(0);
  });

  it("says in its hello that it was told to end, and is attached to all the same", async () => {
    ending = true;
    await say("one");
    await server.listen();
    start();
    const peer = await server.peer(0);
    expect(await peer.frame("hello")).toMatchObject({ ending: true, last: 1 });
    peer.attach();
    expect(await peer.frame("entry")).toMatchObject({ n: 1 });
  });

  it("delivers everything exactly once and in order, however often and wherever the connection is cut", async () => {
    const total = 3_000;
    const random = seeded(7);
    const saved: number[] = [];
    await server.listen();
    start();
    const speaking = (async () => {
      for (let n = 1; n <= total; n++) await say(`${n}:${"x".repeat(Math.floor(random() * 200))}`);
    })();
    let cuts = 0;
    while (saved.length < total) {
      const peer = await server.newest();
      await peer.frame("hello");
      const lives = 1 + Math.floor(random() * 400);
      const unsaved: number[] = [];
      const cursor = saved.length;
      peer.onFrame = (frame) => {
        if (frame.type !== "entry") return;
        unsaved.push(frame.n);
        // Saves in batches; what was sent and not saved must come again.
        if (random() < 0.3) {
          saved.push(...unsaved.splice(0));
          peer.send({ type: "ack", n: frame.n });
        }
        if (frame.n - cursor >= lives) peer.socket.destroy();
      };
      peer.attach(cursor);
      await until(() => peer.closed || (journal.last === total && peer.entries.at(-1)?.n === total));
      if (!peer.closed) saved.push(...unsaved.splice(0));
      cuts++;
    }
    await speaking;
    expect(cuts).toBeGreaterThan(5);
    expect(saved).toEqual(Array.from({ length: total }, (_, at) => at + 1));
  });

  it("holds back the speaker while a server does not read", async () => {
    await server.listen();
    start();
    const peer = await server.peer(0);
    peer.attach();
    await until(() => link?.attached);
    peer.socket.pause();
    const all = Array.from({ length: 400 }, () => say("y".repeat(2_000)));
    // The bound of the journal is the bound of what waits: the rest of the appends waits for room.
    expect(journal.last).toBeGreaterThan(0);
    expect(journal.last).toBeLessThan(200);
    peer.onFrame = (frame) => void (frame.type === "entry" && peer.send({ type: "ack", n: frame.n }));
    peer.socket.resume();
    peer.send({ type: "ack", n: Math.max(0, peer.entries.at(-1)?.n ?? 0) });
    await Promise.all(all);
    await until(() => peer.entries.length === 400);
  });
});

/** Park and Miller's generator: the same cuts in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
