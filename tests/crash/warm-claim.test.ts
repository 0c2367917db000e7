import { script } from "@hhopkins/agent-runtime-testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bash } from "../testing/prompts.ts";
import { said } from "../testing/runtime-under-test.ts";
import { ClientLog } from "./client-log.ts";
import { CRASH_PROFILE } from "./crash-turn.ts";
import { startModelLog, type ModelLog } from "./model-log.ts";
import { ServerUnderFire } from "./server-under-fire.ts";

const READY = { timeout: 60_000, interval: 20 };
let model: ModelLog;

beforeAll(async () => {
  model = await startModelLog();
});
afterAll(() => model[Symbol.asyncDispose]());

/** Kills the server at the point, after it has claimed a warm sandbox, and lets another one end the turn. */
async function killedAfterClaim(point: string): Promise<void> {
  const flags = ["--warm-pool", `${CRASH_PROFILE.id}=2`, "--log-level", "info"];
  await using server = await ServerUnderFire.open({ modelUrl: model.url, flags });
  await server.start(point);
  await expect.poll(() => server.output.match(/a warm sandbox is ready/g)?.length, READY).toBe(2);
  const before = await server.sandboxes();
  const client = new ClientLog(server, await server.create());
  const mark = point.replace(":", "-");
  const content = `[${mark}] ${script([{ tools: [bash("echo once >> ledger.txt")] }, { text: "Done." }])}`;
  const sent = server.send(client.sessionId, { messageId: mark, content });
  expect(await server.died()).toContain(`failpoint ${point} reached`);
  await server.start();
  await sent;
  await client.until(() => client.ends.has(mark));
  client.stop();
  expect([client.ends.get(mark), said(client.state ?? expect.fail()), client.breaks]).toEqual([
    "completed",
    ["Done."],
    [],
  ]);
  expect([model.asked.get(`${mark} 0`), model.asked.get(`${mark} 1`)]).toEqual([1, 1]);
  const { sandboxId = "" } = client.state?.runtime.sandbox ?? {};
  expect(sandboxId).toMatch(/^warm-/);
  expect(before).toContain(sandboxId);
  // What nobody had claimed is gone; the new server has others.
  await expect
    .poll(async () => (await server.sandboxes()).filter((name) => before.includes(name)), READY)
    .toEqual([sandboxId]);
  // In order: one that it is still making is in no record yet, by which it could be ended.
  await server.stop();
}

test("a warm sandbox that was claimed just before a kill is the session's; the others end", async () => {
  await killedAfterClaim("deliver:before");
});
