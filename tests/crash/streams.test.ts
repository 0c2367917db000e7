import { setTimeout as delay } from "node:timers/promises";
import { script } from "@hhopkins/agent-runtime-testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bash } from "../testing/prompts.ts";
import { said } from "../testing/runtime-under-test.ts";
import { ClientLog } from "./client-log.ts";
import { startModelLog, type ModelLog } from "./model-log.ts";
import { ServerUnderFire } from "./server-under-fire.ts";

let model: ModelLog;

beforeAll(async () => {
  model = await startModelLog();
});
afterAll(() => model[Symbol.asyncDispose]());

const LONG = "What streams while the server dies. ".repeat(10);

/** Kills the server while an answer streams, and starts another one; what a client has at the turn's end. */
async function killedInAnswer(
  mark: string,
  gateway: boolean,
): Promise<{ client: ClientLog; asked: number | undefined }> {
  await using server = await ServerUnderFire.open({ modelUrl: model.url, gateway });
  await server.start();
  const client = new ClientLog(server, await server.create());
  const content = `[${mark}] ${script([{ text: LONG, delayMs: 40 }])}`;
  await server.send(client.sessionId, { messageId: mark, content });
  await client.until(
    () => client.state?.blocks.some((block) => block.type === "assistant_text" && block.content.length > 40) === true,
  );
  await server.kill();
  await server.start();
  await client.until(() => client.ends.has(mark));
  client.stop();
  return { client, asked: model.asked.get(`${mark} 0`) };
}

test("an answer that streams through a killed server is taken back and asked for again; no second copy stays", async () => {
  const { client, asked } = await killedInAnswer("broken", false);
  expect(client.ends.get("broken")).toBe("completed");
  expect(said(client.state ?? expect.fail())).toEqual([LONG]);
  expect(client.retracted).toBe(1);
  expect(asked).toBe(2);
  expect(client.breaks).toEqual([]);
});

test("with the gateway in a process of its own the answer streams on, and nothing is taken back", async () => {
  const { client, asked } = await killedInAnswer("whole", true);
  expect(client.ends.get("whole")).toBe("completed");
  expect(said(client.state ?? expect.fail())).toEqual([LONG]);
  expect(client.retracted).toBe(0);
  expect(asked).toBe(1);
  expect(client.breaks).toEqual([]);
});

test("what the harness asks while no server runs is held until there is one, and asked once", async () => {
  await using server = await ServerUnderFire.open({ modelUrl: model.url });
  await server.start();
  const client = new ClientLog(server, await server.create());
  const wait = bash("until [ -e go ]; do sleep 0.05; done; echo held.a >> ledger.txt");
  await server.send(client.sessionId, {
    messageId: "held",
    content: `[held] ${script([{ tools: [wait] }, { text: "It was held." }])}`,
  });
  await client.until(
    () => client.state?.blocks.some((block) => block.type === "tool_use" && block.status === "running") === true,
  );
  await server.kill();
  await server.writeInSandbox(client.sessionId, "go");
  while (!(await server.isAskingInSandbox(client.sessionId))) await delay(20);
  expect(await server.fileInSandbox(client.sessionId, "ledger.txt")).toBe("held.a\n");
  expect(model.asked.get("held 1")).toBeUndefined();
  await server.start();
  await client.until(() => client.ends.has("held"));
  client.stop();
  expect(client.ends.get("held")).toBe("completed");
  expect(said(client.state ?? expect.fail())).toEqual(["It was held."]);
  expect([model.asked.get("held 1"), client.retracted]).toEqual([1, 0]);
  expect(client.state?.blocks.filter((block) => block.type === "system")).toEqual([]);
});
