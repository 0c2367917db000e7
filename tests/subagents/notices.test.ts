import { afterAll, beforeAll, expect, test } from "vitest";
import { profileBench, sent, systemBlocks, type ProfileBench } from "../profiles/bench.ts";
import { errors, said } from "../testing/runtime-under-test.ts";

let bench: ProfileBench;
beforeAll(async () => {
  // A window that a scripted answer can fill.
  bench = await profileBench({
    tools: ["Bash"],
    environmentVariables: { CLAUDE_CODE_AUTO_COMPACT_WINDOW: "100000", CLAUDE_CODE_MAX_RETRIES: "15" },
  });
});
afterAll(() => bench[Symbol.asyncDispose]());

test("a conversation that is too long for the model is summed up; a block says so, and the agent goes on", async () => {
  await bench.play(
    "Talk of WALRUSES",
    { text: "A long talk. ".repeat(60), usage: { input: 190_000 } },
    { text: "The summary." },
  );
  const { state, requests } = await bench.play("Go on", { text: "I go on." }, { text: "And on." });
  const [notice, ...more] = systemBlocks(state, "compaction");
  expect(more).toEqual([]);
  expect(notice).toMatch(/summed up its conversation of 19\d{4} tokens because it had become too long for the model/);
  expect(state.blocks.at(-1)).toMatchObject({ type: "assistant_text" });
  // The model gets the summary from then on; nothing is gone from the log.
  expect(sent(requests.at(-1))).not.toContain("A long talk.");
  expect(said(state)[0]).toContain("A long talk.");
  expect(errors(state)).toEqual([]);
});

test("tries of a model that is in trouble are one block, which says how it ended", async () => {
  const { state, requests } = await bench.play("Ask", { error: { status: 529, times: 3 } }, { text: "Here, at last." });
  expect(requests.length).toBeGreaterThan(3);
  expect(systemBlocks(state, "api_retry")).toEqual([
    expect.stringMatching(/overloaded.*The agent tried again, and it answered\.$/),
  ]);
});
