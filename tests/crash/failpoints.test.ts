import { script } from "@hhopkins/agent-runtime-testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ClientLog } from "./client-log.ts";
import { crashTurn, type CrashTurn } from "./crash-turn.ts";
import { failpointsInSources, failpointTable, inMidTurn, type FailpointRow } from "./failpoints.ts";
import { startModelLog, type ModelLog } from "./model-log.ts";
import { reckon, type Reckoning } from "./reckoning.ts";
import { ServerUnderFire } from "./server-under-fire.ts";

const PACE = { delayMs: 4, toolSeconds: 0.05 };
/** An answer of 3,000 deltas. */
const LONG = `Talk. ${script([{ text: "x".repeat(3_000), chunk: 1 }])}`;
/** Servers that are killed at the same time, each with a session of its own. */
const LANES = 3;
let model: ModelLog;

beforeAll(async () => {
  model = await startModelLog();
});
afterAll(() => model[Symbol.asyncDispose]());

interface Lane {
  readonly server: ServerUnderFire;
  readonly client: ClientLog;
  readonly turns: CrashTurn[];
}

async function openLane(): Promise<Lane> {
  const server = await ServerUnderFire.open({ modelUrl: model.url });
  await server.start();
  const client = new ClientLog(server, await server.create());
  return { server, client, turns: [] };
}

/** Sends a turn; resolves when the client has seen its end. */
function takeTurn({ server, client, turns }: Lane, name: string): { sent: Promise<void>; over: Promise<void> } {
  const turn = crashTurn(name.replaceAll(":", "-"), PACE);
  turns.push(turn);
  const sent = server.send(client.sessionId, { messageId: turn.mark, content: turn.content });
  return { sent, over: sent.then(() => client.until(() => client.ends.has(turn.mark))) };
}

/** The server that is started after a kill meets a turn under way: that is where these points lie. */
const AT_RESTART = /^(resume|attach):/;

/** Kills the server at the point, in whatever part of a session's life it lies, and lets another one go on. */
async function killAt(lane: Lane, point: string): Promise<FailpointRow> {
  const { server, client } = lane;
  const path = `/sessions/${client.sessionId}/unload`;
  if (point.startsWith("create:")) await server.persist("POST", path);
  let turn: ReturnType<typeof takeTurn> | undefined;
  if (AT_RESTART.test(point)) {
    turn = takeTurn(lane, point);
    await client.until(() => client.running);
  }
  await server.kill();
  const listened = await server.start(inMidTurn(point));
  const died = listened ? server.died() : Promise.resolve(`failpoint ${point} reached`);
  // A log is compacted when it is long.
  if (point.startsWith("compaction:"))
    await server.send(client.sessionId, { messageId: `long-${lane.turns.length}`, content: LONG });
  turn ??= takeTurn(lane, point);
  const passed = turn.over.then(async () => {
    // What lies behind the turn: everything is saved, and the sandbox ended.
    await server.request("POST", path).catch(() => undefined);
    return died;
  });
  const output = await Promise.race([died, passed, new Promise<string>((resolve) => setTimeout(resolve, 60_000, ""))]);
  const reached = output.includes(`failpoint ${point} reached`);
  if (!reached) await server.kill();
  await server.start();
  await turn.over;
  const mark = lane.turns.at(-1)?.mark ?? "";
  return { failpoint: point, reached, killed: reached, outcome: `turn ${client.ends.get(mark)}` };
}

async function settle({ server, client, turns }: Lane): Promise<Reckoning> {
  // A last turn has the workspace in a sandbox again, whatever the last point was.
  await takeTurn({ server, client, turns }, `end-${client.sessionId}`).over;
  await server.persist("POST", `/sessions/${client.sessionId}/sync`);
  const ledger = await server.fileInSandbox(client.sessionId, "ledger.txt");
  const serverState = await (await server.persist("GET", `/sessions/${client.sessionId}`)).text();
  const { lastSeq } = JSON.parse(serverState) as { lastSeq: number };
  await client.until(() => (client.state?.lastSeq ?? 0) >= lastSeq);
  return reckon({ turns, client, model, ledger, serverState });
}

test(
  "a server that is killed at any failpoint loses and doubles nothing, and its turn completes",
  { timeout: 600_000 },
  async () => {
    const points = (await failpointsInSources()).filter((point) => !point.startsWith("journal:"));
    const left = [...points];
    const rows: FailpointRow[] = [];
    const reckonings: Reckoning[] = [];
    async function work(): Promise<void> {
      const lane = await openLane();
      await using _server = lane.server;
      for (let point = left.shift(); point !== undefined; point = left.shift()) rows.push(await killAt(lane, point));
      reckonings.push(await settle(lane));
      lane.client.stop();
    }
    await Promise.all(Array.from({ length: LANES }, work));
    console.log(failpointTable(rows));
    expect(rows.filter(({ reached, killed, outcome }) => !reached || !killed || outcome !== "turn completed")).toEqual(
      [],
    );
    expect(rows.map(({ failpoint }) => failpoint).toSorted()).toEqual(points);
    expect(reckonings.flatMap(({ lost, doubled, short }) => [...lost, ...doubled, ...short])).toEqual([]);
  },
);

test(
  "a runner that is killed at its journal ends the turn, and the next message goes on in a new sandbox",
  { timeout: 120_000 },
  async () => {
    const points = (await failpointsInSources()).filter((point) => point.startsWith("journal:"));
    expect(points).toEqual(["journal:after", "journal:before"]);
    await Promise.all(
      points.map(async (point) => {
        await using server = await ServerUnderFire.open({ modelUrl: model.url });
        await server.start(inMidTurn(point));
        const client = new ClientLog(server, await server.create());
        const lane = { server, client, turns: [] };
        await takeTurn(lane, point).over;
        const state = client.state;
        expect(state?.blocks.at(-1)).toMatchObject({
          type: "error",
          code: "sandbox_lost",
          message: expect.stringContaining(`failpoint ${point} reached`) as string,
        });
        await server.kill();
        await server.start();
        await takeTurn(lane, `${point}-next`).over;
        client.stop();
        const [first = "", second = ""] = lane.turns.map(({ mark }: CrashTurn) => mark);
        expect([client.ends.get(first), client.ends.get(second)]).toEqual(["failed", "completed"]);
        expect(client.breaks).toEqual([]);
        expect([client.seen.get(`message ${first}`), client.seen.get(`message ${second}`)]).toEqual([1, 1]);
      }),
    );
  },
);
