import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startCluster } from "../testing/cluster-under-test.ts";
import { bash, prompt } from "../testing/prompts.ts";
import { said } from "../testing/runtime-under-test.ts";
import type { ServerProcess } from "../testing/server-process.ts";
import { turnEnds } from "../testing/session-log.ts";
import { ALLOW, MODEL, results } from "./bench.ts";

test("an answer given to another server reaches the agent; one that sleeps goes on there when its own server is gone; asks expire with whoever takes over", async () => {
  await using cluster = await startCluster();
  const profiles = cluster.folder("profiles");
  const counted = join(cluster.folder("profiles"), "counted.txt");
  const profile = (asks: object): object => ({
    name: "Asker",
    model: MODEL,
    tools: ["Bash"],
    permissions: { ask: ["Bash"] },
    asks,
  });
  for (const [id, asks] of [
    ["asker", {}],
    ["expiring", { expiresAfterMs: 20_000, onExpiry: "allow" }],
  ] as const) {
    await mkdir(join(profiles, id), { recursive: true });
    await writeFile(join(profiles, id, "profile.json"), JSON.stringify(profile(asks)));
  }
  const effects = async (): Promise<string[]> =>
    (await readFile(counted, "utf8").catch(() => "")).split("\n").filter((line) => line !== "");
  const node = (name: string, idleMs: number): Promise<ServerProcess> =>
    cluster.node(name, { flags: ["--profiles", profiles, "--idle-timeout-ms", String(idleMs)] });
  const asked = async (server: ServerProcess, word: string, agentProfileRef = "asker"): Promise<[string, string]> => {
    const created = await server.request("POST", "/sessions/create", {
      agentProfileRef,
      architecture: "claude-agent-sdk",
    });
    const { sessionId } = (await created.json()) as { sessionId: string };
    const steps = [{ tools: [bash(`echo ${word} >> ${counted}; echo did ${word}`)] }, { text: "done" }];
    await server.request("POST", `/sessions/${sessionId}/message`, { content: prompt("go", ...steps) });
    // On a busy machine one that expires may have done so before it is seen.
    const { asks } = await server.until(sessionId, (state) => state.asks.length === 1 || state.lastTurn !== undefined);
    return [sessionId, asks[0]?.askId ?? ""];
  };
  const answer = (server: ServerProcess, id: string, askId: string): Promise<Response> =>
    server.request("POST", `/sessions/${id}/asks/${askId}/answer`, ALLOW);

  const first = await node("first", 1_000);
  const second = await node("second", 3_600_000);
  const [near, nearAsk] = await asked(second, "near");
  const given = await answer(first, near, nearAsk);
  expect([given.status, await given.json()]).toMatchObject([200, { askId: nearAsk, by: "api-key" }]);
  // The node that runs it says the same to who asks twice.
  expect((await answer(first, near, nearAsk)).status).toBe(200);
  expect(results(await second.until(near, ({ turn }) => turn === null))).toEqual(["did near"]);

  const [asleep, asleepAsk] = await asked(first, "asleep");
  await second.until(asleep, ({ runtime, turn }) => !runtime.isLoaded && turn?.deferred === true);
  const [expiring] = await asked(first, "expiring", "expiring");
  await first.end("SIGKILL");
  expect((await answer(second, asleep, asleepAsk)).status).toBe(200);
  const went = await second.until(asleep, ({ turn }) => turn === null);
  expect([results(went), said(went), await turnEnds(second, asleep)]).toEqual([
    ["did asleep"],
    ["done"],
    ["completed"],
  ]);
  const over = await second.until(expiring, ({ turn }) => turn === null);
  expect([results(over), await turnEnds(second, expiring)]).toEqual([["did expiring"], ["completed"]]);
  expect((await effects()).toSorted((a, b) => a.localeCompare(b))).toEqual(["asleep", "expiring", "near"]);
});
