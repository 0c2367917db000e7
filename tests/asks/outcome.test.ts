import { afterEach, beforeEach, expect, test } from "vitest";
import { harnessOf, sandboxPid } from "../testing/processes.ts";
import { prompt } from "../testing/prompts.ts";
import { said } from "../testing/runtime-under-test.ts";
import { turnEnds } from "../testing/session-log.ts";
import { ALLOW, askBench, results } from "./bench.ts";
import { effect, startFarTool, type FarTool } from "./far-tool.ts";

let far: FarTool;
beforeEach(async () => {
  far = await startFarTool();
});
afterEach(() => far[Symbol.asyncDispose]());

test.each(["harness", "sandbox", "sandbox that went on with a deferred turn"])(
  "killed in the middle of an approved tool: the %s; it is not run again, and the block says that its outcome is unknown",
  async (killed) => {
    const isDeferred = killed.endsWith("turn");
    await using bench = await askBench(
      { externalMCPs: [{ type: "http", name: "far", url: far.url }], permissions: { ask: ["mcp__far__effect"] } },
      { network: { allowedHosts: [far.place] }, ...(isDeferred ? { idleTimeoutMs: 500 } : {}) },
    );
    const { server, sessionId } = bench;
    far.holds = true;
    const [ask] = await bench.untilAsked("go", [{ tools: [effect("once")] }, { text: "done" }, { text: "later" }]);
    if (isDeferred) await server.until(sessionId, ({ runtime }) => !runtime.isLoaded);
    expect((await bench.answer(ask?.askId ?? "", ALLOW)).status).toBe(200);
    await expect.poll(() => far.effects).toEqual(["once"]);
    const sandbox = await sandboxPid(server.dataDir, `${sessionId}-${isDeferred ? 2 : 1}`);
    process.kill(killed === "harness" ? harnessOf(sandbox).pid : sandbox, "SIGKILL");
    const state = await bench.over();
    expect(results(state)).toEqual([expect.stringContaining("its outcome is unknown")]);
    expect(state.blocks.find(({ type }) => type === "tool_use")).toMatchObject({ status: "error" });
    far.holds = false;
    expect(said(await server.turn(sessionId, prompt("again", { text: "alive" })))).toEqual(["alive"]);
    expect(await turnEnds(server, sessionId)).toEqual([
      `failed ${killed === "harness" ? "harness_failed" : "sandbox_lost"}`,
      "completed",
    ]);
    expect(JSON.stringify(server.model.requests.at(-1)?.body)).toContain("outcome is unknown");
    expect(far.effects).toEqual(["once"]);
  },
);
