import { memoryPersistence } from "@hhopkins/agent-runtime/persistence/memory";
import { startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  corruptingPersistence,
  dropped,
  noBytes,
  oneByte,
  type CorruptingPersistence,
} from "../testing/corrupting-store.ts";
import { bash, prompt } from "../testing/prompts.ts";
import { startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";
import { logOf } from "../testing/session-log.ts";

let model: ScriptedModel;
let dataDir: string;
let kept: CorruptingPersistence;
beforeAll(async () => {
  model = await startScriptedModel();
});
afterAll(() => model.close());

/** A session with a text, a binary of several pieces and an empty file, on a store that harms what it is given. */
async function harmed(bench: RuntimeUnderTest, harm: CorruptingPersistence["harm"]): Promise<string> {
  const id = await bench.create();
  kept.harm = harm;
  const command =
    "printf precious > small.txt; head -c 700000 /dev/urandom > large.bin; : > empty; mkdir sub; printf x > sub/x";
  await bench.turn(id, prompt("write", { tools: [bash(command)] }, { text: "written" }));
  return id;
}

async function fresh(work: (start: (config?: object) => Promise<RuntimeUnderTest>) => Promise<void>): Promise<void> {
  dataDir = await mkdtemp(join(tmpdir(), "agent-runtime-test-"));
  kept = corruptingPersistence(memoryPersistence());
  try {
    await work((config = {}) => startRuntime({ persistence: kept.adapter, ...config }, { dataDir, model }));
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

const sandboxLives = (id: string, generation = 1): boolean =>
  existsSync(join(dataDir, "sandboxes", `${id}-${generation}`));

const harms = [
  ["corrupts one byte", oneByte, "the saved bytes of 3 of its files"],
  ["keeps no bytes", noBytes, "the saved bytes of 3 of its files"],
  ["drops one file", dropped("small.txt"), "has 3 files that differ from the sandbox's 4"],
] as const;

describe.each(harms)("a store that %s and answers ok", (_name, harm, why) => {
  test("an unload ends nothing and says why; when the store is right again what is wrong is sent again", async () => {
    await fresh(async (start) => {
      await using bench = await start();
      const id = await harmed(bench, harm);
      const refused = await bench.request("POST", `/sessions/${id}/unload`);
      expect([refused.status, await refused.json()]).toEqual([
        503,
        expect.objectContaining({ error: "unavailable", detail: expect.stringContaining(why) }),
      ]);
      expect((await bench.state(id)).runtime).toMatchObject({
        isLoaded: true,
        sandbox: { status: "unhealthy", statusMessage: expect.stringContaining(why) },
      });
      expect(sandboxLives(id)).toBe(true);
      const events = (await logOf(bench, id)).filter(({ type }) => type.startsWith("session:file:"));

      kept.harm = undefined;
      expect((await bench.request("POST", `/sessions/${id}/sync`)).status).toBe(204);
      expect((await bench.state(id)).runtime.sandbox).toMatchObject({ status: "ready" });
      expect((await bench.request("POST", `/sessions/${id}/unload`)).status).toBe(204);
      expect(sandboxLives(id)).toBe(false);
      expect(await (await bench.request("GET", `/sessions/${id}/files/small.txt`)).text()).toBe("precious");
      const after = await bench.turn(
        id,
        prompt("look", { tools: [bash("cat small.txt; wc -c < large.bin")] }, { text: "seen" }),
      );
      expect(after.blocks.findLast(({ type }) => type === "tool_result")).toMatchObject({ content: "precious700000" });
      expect((await logOf(bench, id)).filter(({ type }) => type.startsWith("session:file:"))).toEqual(events);
    });
  });

  test("an idle stop ends nothing, and is tried again until the save is right", async () => {
    await fresh(async (start) => {
      await using bench = await start({ idleTimeoutMs: 100 });
      const id = await harmed(bench, harm);
      await bench.until(id, ({ runtime }) => runtime.sandbox?.status === "unhealthy");
      expect(sandboxLives(id)).toBe(true);
      kept.harm = undefined;
      const after = await bench.until(id, ({ runtime }) => !runtime.isLoaded);
      expect(after.runtime.sandbox).toMatchObject({ status: "terminated" });
      await expect.poll(() => sandboxLives(id)).toBe(false);
      expect(await (await bench.request("GET", `/sessions/${id}/files/small.txt`)).text()).toBe("precious");
    });
  });

  test("a shutdown leaves the sandbox to the next server, which finds it and can end it", async () => {
    await fresh(async (start) => {
      let id: string;
      {
        const bench = await start();
        id = await harmed(bench, harm);
        await bench.runtime.shutdown();
        expect(sandboxLives(id)).toBe(true);
      }
      kept.harm = undefined;
      await using bench = await start();
      expect((await bench.state(id)).runtime.sandbox).toMatchObject({ status: "ready", sandboxId: `${id}-1` });
      expect((await bench.request("POST", `/sessions/${id}/unload`)).status).toBe(204);
      expect(sandboxLives(id)).toBe(false);
      expect(await (await bench.request("GET", `/sessions/${id}/files/small.txt`)).text()).toBe("precious");
    });
  });
});

test("a delete does not ask whether anything is saved", async () => {
  await fresh(async (start) => {
    await using bench = await start();
    const id = await harmed(bench, oneByte);
    expect((await bench.request("DELETE", `/sessions/${id}`)).status).toBe(204);
    expect(sandboxLives(id)).toBe(false);
  });
});
