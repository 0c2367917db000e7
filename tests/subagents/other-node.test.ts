import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startCluster } from "../testing/cluster-under-test.ts";
import { bash, prompt } from "../testing/prompts.ts";
import { said } from "../testing/runtime-under-test.ts";

test("a subagent is stopped by a node that does not run its session", async () => {
  await using cluster = await startCluster();
  const profiles = join(cluster.folder("profiles"), "lead");
  await mkdir(profiles, { recursive: true });
  await writeFile(join(profiles, "profile.json"), JSON.stringify({ name: "Lead", tools: ["Bash", "Agent"] }));
  const flags = ["--profiles", cluster.folder("profiles")];
  const home = await cluster.node("a", { flags });
  const created = await home.request("POST", "/sessions/create", {
    agentProfileRef: "lead",
    architecture: "claude-agent-sdk",
  });
  const { sessionId: id } = (await created.json()) as { sessionId: string };
  const help = prompt("Help", { text: "I wait.", tools: [bash("for n in $(seq 900); do sleep 0.1; done")] });
  const call = { name: "Agent", input: { description: "Help", subagent_type: "general-purpose", prompt: help } };
  const content = prompt("Ask", { tools: [call] }, { text: "It was stopped." });
  await home.request("POST", `/sessions/${id}/message`, { content });
  // Its session is the first node's by now.
  const other = await cluster.node("b", { flags });
  const { subagents } = await other.until(id, (state) =>
    state.subagents.some(({ blocks }) => blocks.some(({ type }) => type === "tool_use")),
  );
  const stop = (of: string) => other.request("POST", `/sessions/${id}/subagents/${of}/stop`);
  expect((await stop("toolu_nobody")).status).toBe(404);
  expect((await stop(subagents[0]?.id ?? "")).status).toBe(204);
  const state = await other.until(id, ({ turn }) => turn === null);
  expect(state.subagents).toMatchObject([{ status: "stopped" }]);
  expect(said(state)).toEqual(["It was stopped."]);
});
