import { startScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { bash, prompt } from "../testing/prompts.ts";
import { said } from "../testing/runtime-under-test.ts";
import { endSandboxes, startServerProcess } from "../testing/server-process.ts";
import { turnEnds } from "../testing/session-log.ts";

test("subagents in the background go on while a server is killed, and the next one has all of it once", async () => {
  const folder = await mkdtemp(join(tmpdir(), "agent-runtime-test-"));
  const model = await startScriptedModel();
  try {
    const profiles = join(folder, "profiles", "lead");
    await mkdir(profiles, { recursive: true });
    await writeFile(join(profiles, "profile.json"), JSON.stringify({ name: "Lead", tools: ["Bash", "Agent"] }));
    const options = { folder, modelUrl: model.url, flags: ["--profiles", join(folder, "profiles")] };
    const agent = (name: string) => ({
      name: "Agent",
      input: {
        description: "Help",
        subagent_type: "general-purpose",
        run_in_background: true,
        prompt: prompt("Help", { tools: [bash(`sleep 3; echo ${name} was here`)] }, { text: `${name} is done.` }),
      },
    });
    const content = prompt(
      "Launch",
      { tools: [agent("One"), agent("Two")] },
      { text: "Launched." },
      { text: "One is back." },
      { text: "The other is back." },
    );
    const first = await startServerProcess(options);
    const created = await first.request("POST", "/sessions/create", {
      agentProfileRef: "lead",
      architecture: "claude-agent-sdk",
    });
    const { sessionId: id } = (await created.json()) as { sessionId: string };
    await first.request("POST", `/sessions/${id}/message`, { content });
    await first.until(
      id,
      ({ subagents }) => subagents.filter(({ blocks }) => blocks.some(({ type }) => type === "tool_use")).length === 2,
    );
    await first.end("SIGKILL");
    await using second = await startServerProcess(options);
    const state = await second.until(id, ({ turn }) => turn === null);
    expect(state.subagents.map(({ status, output }) => [status, output])).toEqual([
      ["completed", "One is done."],
      ["completed", "Two is done."],
    ]);
    for (const { blocks, usage } of state.subagents) {
      expect(blocks.map(({ type }) => type)).toEqual(["user_message", "tool_use", "tool_result", "assistant_text"]);
      expect(usage?.totalTokens).toBe(30);
    }
    expect(said(state).slice(0, 2)).toEqual(["Launched.", "One is back."]);
    expect(await turnEnds(second, id)).toEqual(["completed"]);
  } finally {
    await endSandboxes(folder);
    await model.close();
    await rm(folder, { recursive: true, force: true });
  }
});
