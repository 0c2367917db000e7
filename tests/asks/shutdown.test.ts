import { sqlitePersistence } from "@hhopkins/agent-runtime/persistence/sqlite";
import { startScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isAlive, sandboxPid } from "../testing/processes.ts";
import { bash, prompt } from "../testing/prompts.ts";
import { said, startRuntime } from "../testing/runtime-under-test.ts";
import { turnEnds } from "../testing/session-log.ts";
import { ALLOW, MODEL, results } from "./bench.ts";

test("a shutdown leaves a turn that waits to its sandbox, without waiting for people; the next server takes the answer there", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "agent-runtime-test-"));
  const model = await startScriptedModel();
  try {
    const profiles = [{ id: "p", name: "P", model: MODEL, tools: ["Bash"], permissions: { ask: ["Bash"] } }];
    const persistence = () => sqlitePersistence({ file: join(dataDir, "test.db"), profiles });
    // People have longer than this test.
    const hour = 3_600_000;
    const first = await startRuntime({ persistence: persistence(), shutdownGraceMs: hour }, { dataDir, model });
    const id = await first.create({ agentProfileRef: "p" });
    await first.send(id, prompt("go", { tools: [bash("echo did it")] }, { text: "done" }));
    const [ask] = (await first.until(id, ({ asks }) => asks.length === 1)).asks;
    const sandbox = await sandboxPid(dataDir, `${id}-1`);
    await first.runtime.shutdown();
    expect(isAlive(sandbox)).toBe(true);

    await using second = await startRuntime({ persistence: persistence() }, { dataDir, model });
    const found = await second.state(id);
    expect([found.asks, found.turn?.deferred]).toEqual([[ask], undefined]);
    const answered = await second.request("POST", `/sessions/${id}/asks/${ask?.askId}/answer`, ALLOW);
    expect(answered.status).toBe(200);
    const state = await second.until(id, ({ turn }) => turn === null);
    expect([results(state), said(state), await turnEnds(second, id)]).toEqual([["did it"], ["done"], ["completed"]]);
    expect(isAlive(sandbox)).toBe(true);
  } finally {
    await model.close();
    await rm(dataDir, { recursive: true, force: true });
  }
});
