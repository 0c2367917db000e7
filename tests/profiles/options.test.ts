import type { ScriptStep } from "@hhopkins/agent-runtime-testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bash } from "../testing/prompts.ts";
import { errors, said } from "../testing/runtime-under-test.ts";
import { profileBench, type PlayedTurn, type ProfileBench } from "./bench.ts";

// Options that change while a turn runs: the step that runs ends as it began, the next one has them.

let bench: ProfileBench;
beforeAll(async () => {
  bench = await profileBench({ model: "claude-opus-4-6", tools: ["Bash", "Read"], effort: "low" });
});
afterAll(() => bench[Symbol.asyncDispose]());

async function patch({ server, sessionId }: ProfileBench, options: object): Promise<void> {
  const answer = await server.request("PATCH", `/sessions/${sessionId}/options`, options);
  expect(answer.status).toBe(204);
}

const slow = bash("for n in $(seq 40); do sleep 0.1; done; echo waited");

/** Plays a turn, and changes the options while its first tool runs. */
async function changing(of: ProfileBench, options: object, ...steps: ScriptStep[]): Promise<PlayedTurn> {
  const before = (await of.server.state(of.sessionId)).lastSeq;
  const playing = of.play("Work", ...steps);
  await of.server.until(
    of.sessionId,
    ({ blocks, turn, lastSeq }) =>
      lastSeq > before &&
      turn !== null &&
      blocks.some((block) => block.type === "tool_use" && block.status === "running"),
  );
  await patch(of, options);
  return playing;
}

const effortOf = (request: { body?: unknown } | undefined): unknown =>
  (request?.body as { output_config?: { effort?: string } } | undefined)?.output_config?.effort;

test("model and effort: the next answer of the turn comes by them", async () => {
  const { requests } = await changing(
    bench,
    { model: "claude-sonnet-4-6", effort: "high" },
    { tools: [slow] },
    { text: "Done." },
  );
  expect([requests[0]?.model, effortOf(requests[0])]).toEqual(["claude-opus-4-6", "low"]);
  expect([requests.at(-1)?.model, effortOf(requests.at(-1))]).toEqual(["claude-sonnet-4-6", "high"]);
});

test("permission mode: the next tool of the turn is refused by it", async () => {
  const profile = { tools: ["Bash(git *)"], permissionMode: "bypassPermissions" } as const;
  await using other = await profileBench({ ...profile, tools: [...profile.tools] });
  const touch = { tools: [bash("touch made.txt")] };
  const mode = { permissionMode: "dontAsk" };
  const { state, results } = await changing(other, mode, { tools: [slow] }, touch, { text: "Done." });
  expect(results[0]).toBe("waited");
  expect(results[1]).toMatch(/don't ask mode/);
  expect(state.workspaceFiles).toEqual([]);
});

test("limits: a turn that has made as many steps as it may now ends after them", async () => {
  const steps = [{ tools: [slow] }, { tools: [bash("echo 2")] }, { text: "Not said." }];
  const { state, requests } = await changing(bench, { limits: { maxSteps: 1 } }, ...steps);
  expect(requests).toHaveLength(1);
  expect(state.blocks.at(-1)).toMatchObject({ type: "error", code: "turn_limit" });
  expect(state.blocks.at(-1)).toMatchObject({ message: expect.stringContaining("maxSteps, 1") as string });
});

test("limits: a turn that may go further now does", async () => {
  const count = errors(await bench.server.state(bench.sessionId)).length;
  const steps = [{ tools: [slow] }, { tools: [bash("echo 2")] }, { text: "Said after all." }];
  const { state } = await changing(bench, { limits: { maxSteps: 5 } }, ...steps);
  expect(said(state).at(-1)).toBe("Said after all.");
  expect(errors(state)).toHaveLength(count);
});

test("limits: time and cost count from the beginning of the turn", async () => {
  const dear = { tools: [slow], usage: { output: 2000 } };
  const spent = await changing(bench, { limits: { maxCostUSD: 0.01 } }, dear, { text: "Not said." });
  expect(spent.requests).toHaveLength(1);
  expect(spent.state.blocks.at(-1)).toMatchObject({ message: expect.stringContaining("maxCostUSD, 0.01") as string });
  const late = await changing(
    bench,
    { limits: { maxDurationMs: 50 } },
    { tools: [bash("tail -f /dev/null")] },
    { text: "No." },
  );
  expect(late.state.blocks.at(-1)).toMatchObject({ message: expect.stringContaining("maxDurationMs, 50") as string });
});

test("they are kept: another sandbox has them", async () => {
  await patch(bench, { limits: { maxSteps: 2 } });
  expect((await bench.server.request("POST", `/sessions/${bench.sessionId}/unload`)).status).toBe(204);
  const steps = [bash("echo 1"), bash("echo 2")].map((call) => ({ tools: [call] }));
  const { state, requests } = await bench.play("Work", ...steps, { text: "Not said." });
  expect(requests.map(({ model }) => model)).toEqual(["claude-sonnet-4-6", "claude-sonnet-4-6"]);
  expect(effortOf(requests[0])).toBe("high");
  expect(errors(state).at(-1)).toBe("turn_limit");
  expect(state.sessionOptions).toEqual({
    model: "claude-sonnet-4-6",
    effort: "high",
    limits: { maxSteps: 2 },
  });
});
