import { WIRE_VERSION } from "@hhopkins/agent-runtime-protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bash, prompt } from "../testing/prompts.ts";
import { errors, said, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";

let bench: RuntimeUnderTest;
let neighbour: string;
let before: unknown;
beforeAll(async () => {
  bench = await startRuntime();
  neighbour = await bench.create();
  await bench.turn(neighbour, prompt("neighbour", { tools: [bash("printf kept > notes.txt")] }, { text: "noted" }));
  before = await bench.state(neighbour);
});
afterAll(() => bench?.[Symbol.asyncDispose]());

/** Nobody else notices, and the attacked session itself goes on with its next message. */
async function expectNobodyHurt(attacked: string): Promise<void> {
  expect(await bench.state(neighbour)).toEqual(before);
  const after = await bench.turn(attacked, prompt("again", { text: "works again" }));
  expect(said(after).at(-1), JSON.stringify(after.blocks.slice(-4))).toBe("works again");
}

/** Runs in the agent's place: what is sent to the server's socket without being its runner, each on a stream of its own. */
const FORGER = `
const { connect } = require("node:net");
const hello = (generation, last) => JSON.stringify({ type: "hello", version: ${WIRE_VERSION}, generation, first: 1, last, fence: 1 }) + "\\n";
const entry = (n, body) => JSON.stringify({ type: "entry", n, body }) + "\\n";
const delta = { kind: "block:delta", conversationId: "main", blockId: "nobody's", delta: "forged" };
const ended = { kind: "turn:ended", turnId: "someone-elses", status: "completed", costUSD: 0, usage: {} };
const attacks = [
  "\\n".repeat(10 * 1024 * 1024), "x".repeat(6 * 1024 * 1024), "[".repeat(200000) + "\\n", "\\0\\u00ff binary",
  hello(2, 0), hello(1e308, 0), hello(-1, 0), hello("1", 0), '{"__proto__":{"generation":1},"type":"hello"}\\n',
  hello(1, 2 ** 53), hello(1, 0) + entry(1e15, delta), hello(1, 0) + entry(-1, delta),
  hello(1, 9) + '{"type":"reply","id":"__proto__","ok":true}\\n' + '{"type":"attach"}\\n',
  hello(1, 0) + "{\\"a\\":".repeat(100000) + "\\n", hello(1, 0) + "y".repeat(6 * 1024 * 1024),
  hello(1, 9) + '{"type":"entry","n":5,"body":{"kind":"session:status","status":"ready","sessionId":"' + process.argv[1] + '"}}\\n',
  hello(1, 0) + entry(1, ended) + entry(3, ended),
];
(async () => {
  let closed = 0;
  for (const attack of attacks) await new Promise((done) => {
    const socket = connect("/run/host/runner.sock");
    socket.on("error", () => undefined);
    socket.on("close", () => { closed += 1; done(); });
    socket.setTimeout(3000, () => socket.destroy());
    socket.resume();
    socket.end(attack);
  });
  console.log("attacks: " + closed + " of " + attacks.length);
})();
`;

test("an agent that forges its runner's words: its own session goes on, others and the server do not notice", async () => {
  const id = await bench.create();
  const command = `node -e "$(echo ${Buffer.from(FORGER).toString("base64")} | base64 -d)" ${neighbour}`;
  const state = await bench.turn(id, prompt("forge", { tools: [bash(command)] }, { text: "forged" }));
  expect(state.turn).toBeNull();
  const refused = bench.logs.filter(({ message }) => /broke the protocol|is not its sandbox's runner/.test(message));
  expect(refused.length).toBeGreaterThan(5);
  expect(({} as Record<string, unknown>)["generation"]).toBeUndefined();
  await expectNobodyHurt(id);
});

test("an agent that kills its own runner: the turn says that the sandbox was lost, the next message works", async () => {
  const id = await bench.create();
  const kill = `for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline | grep -q '[r]unner.mjs' && kill -9 \${p#/proc/}; done; sleep 60`;
  const state = await bench.turn(id, prompt("kill", { tools: [bash(kill)] }, { text: "killed" }));
  expect(errors(state)).toEqual(["sandbox_lost"]);
  await expectNobodyHurt(id);
});
