/**
 * What the model gateway adds to an answer: asked directly, over a unix socket as local sandboxes do, and by HTTP as
 * sandboxes elsewhere do, in turns, on the same scripted model. Model, gateway and client are processes of their own;
 * connections are kept, as an agent's harness keeps them. The bridge inside of a sandbox is not in it.
 */
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { Agent, request, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { script } from "@hhopkins/agent-runtime-testkit";
import { startChild } from "./child.ts";
import { now } from "./clock.ts";
import { load, printMachine, printTable } from "./report.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "300" }, "body-kb": { type: "string", default: "100" } },
});
const WARM_UP = 30;
const TOKEN = "art_benchmark";
/** As long as an agent's requests are: its instructions, its tools, the conversation so far. */
const BODY = JSON.stringify({
  model: "claude-benchmark",
  stream: true,
  max_tokens: 1000,
  system: "x".repeat(1024 * Number(values["body-kb"])),
  messages: [{ role: "user", content: `Say something. ${script([{ text: "Sixteen letters ".repeat(20) }])}` }],
});

interface Way {
  readonly name: string;
  readonly to: { readonly host: string; readonly port: number } | { readonly socketPath: string };
  readonly path: string;
  readonly first: number[];
  readonly whole: number[];
}

async function ask(way: Way, agent: Agent): Promise<{ first: number; whole: number }> {
  const sentAt = now();
  const headers = { "content-type": "application/json", "x-api-key": TOKEN, "content-length": Buffer.byteLength(BODY) };
  const call = request({ ...way.to, agent, path: `${way.path}/v1/messages`, method: "POST", headers });
  call.end(BODY);
  const [answer] = (await once(call, "response")) as [IncomingMessage];
  if (answer.statusCode !== 200) throw new Error(`${way.name}: ${answer.statusCode}`);
  let first = 0;
  for await (const _chunk of answer) first ||= now() - sentAt;
  return { first, whole: now() - sentAt };
}

/** Tells the gateway of a sandbox, as a server would. */
async function introduce(dataDir: string, folder: string): Promise<() => void> {
  const { socket } = JSON.parse(await readFile(join(dataDir, "gateway.json"), "utf8")) as { socket: string };
  const control = connect(socket);
  const identity = { session: { tenant: "default", sessionId: "bench" }, generation: 1, token: TOKEN };
  control.write(`${JSON.stringify({ type: "serve", folder, identity, rules: { allowedHosts: [], secrets: [] } })}\n`);
  const [answer] = (await once(control, "data")) as [Buffer];
  if (!answer.includes('"serving"')) throw new Error(String(answer));
  return () => control.destroy();
}

async function main(): Promise<void> {
  printMachine();
  const dataDir = await mkdtemp(join(tmpdir(), "agent-runtime-bench-"));
  const folder = await mkdtemp(join(tmpdir(), "agent-runtime-box-"));
  try {
    await using model = await startChild("./model-process.ts");
    await using gateway = await startChild("./gateway-process.ts", {
      args: [`http://127.0.0.1:${model.port}`, dataDir],
    });
    const done = await introduce(dataDir, folder);
    const way = (name: string, to: Way["to"], path = ""): Way => ({ name, to, path, first: [], whole: [] });
    const direct = way("the model, directly", { host: "127.0.0.1", port: model.port });
    const local = way("gateway, over its unix socket", { socketPath: join(folder, "gateway.sock") });
    const byHttp = way("gateway, by HTTP", { host: "127.0.0.1", port: gateway.port }, "/gateway");
    const ways = [direct, local, byHttp];
    const agent = new Agent({ keepAlive: true });
    for (let round = -WARM_UP; round < Number(values.rounds); round++) {
      // Who goes first changes from round to round.
      for (let turn = 0; turn < ways.length; turn++) {
        const one = ways[(round + WARM_UP + turn) % ways.length];
        if (one === undefined) continue;
        const { first, whole } = await ask(one, agent);
        if (round < 0) continue;
        one.first.push(first);
        one.whole.push(whole);
      }
    }
    agent.destroy();
    done();
    for (const part of ["first", "whole"] as const) {
      const added = (by: Way): number[] => by[part].map((ms, index) => ms - (direct[part][index] ?? Number.NaN));
      printTable(part === "first" ? "request → first byte, ms" : "request → last byte, ms", [
        ...ways.map((one) => [one.name, one[part]] as const),
        ["added over the socket, by rounds", added(local)],
        ["added by HTTP, by rounds", added(byHttp)],
      ]);
    }
    console.log(`load average at the end ${load()}`);
  } finally {
    for (const path of [dataDir, folder]) await rm(path, { recursive: true, force: true });
  }
}

await main();
