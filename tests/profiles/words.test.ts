import type { AgentProfile } from "@hhopkins/agent-runtime-protocol";
import { script } from "@hhopkins/agent-runtime-testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bash, prompt } from "../testing/prompts.ts";
import { errors, said } from "../testing/runtime-under-test.ts";
import { profileBench, sent, systemBlocks, type ProfileBench } from "./bench.ts";
import { recordFields } from "./field-results.ts";

recordFields("words");

const DATA = Buffer.from([0, 255, 1, 254]);
const profile: Partial<AgentProfile> = {
  systemPrompt: { append: "APPENDED to the harness's own words." },
  agentMDFile: "# Memory\nREMEMBERED in every conversation.\n",
  tools: ["Bash", "Read"],
  model: "claude-opus-4-6",
  skills: [
    {
      name: "weigh",
      description: 'WEIGHS things: "exactly"',
      skillMd:
        "---\nname: other\ndescription: |\n  not this\n  nor that\nlicense: MIT\n---\nRun ${CLAUDE_SKILL_DIR}/scripts/weigh.sh\n",
      supportingFiles: [
        { path: "scripts/weigh.sh", content: '#!/bin/sh\nod -An -tu1 "$(dirname "$0")/../data/a.bin"\n', mode: 0o755 },
        { path: "data/a.bin", content: DATA.toString("base64"), encoding: "base64" },
      ],
    },
    { name: "plain", description: "A skill without front matter", skillMd: "PLAIN body" },
  ],
  subagents: [
    {
      name: "reviewer",
      description: "LOOKS at code",
      prompt: "You are the REVIEWER.",
      model: "claude-haiku-4-5",
      tools: ["Read"],
    },
  ],
  commands: [{ name: "greet", prompt: `Greet $1 from $2. ${script([{ text: "Greeted." }])}` }],
  environmentVariables: { REGION: "eu north" },
};

let bench: ProfileBench;
beforeAll(async () => {
  bench = await profileBench(profile);
});
afterAll(() => bench[Symbol.asyncDispose]());

test("systemPrompt: with append it goes behind the harness's own", async () => {
  const { requests } = await bench.play("Hello", { text: "Hello." });
  expect(requests[0]?.system).toMatch(/interactive|Claude/);
  expect(requests[0]?.system).toContain("APPENDED to the harness's own words.");
});

test("systemPrompt: a string stands in place of the harness's own", async () => {
  await using other = await profileBench({ systemPrompt: "You are REPLACED.", tools: [] });
  const { requests } = await other.play("Hello", { text: "Hello." });
  expect(requests[0]?.system).toContain("You are REPLACED.");
  expect(requests[0]?.system).not.toMatch(/security testing|interactive/i);
  expect(requests[0]?.toolNames).toEqual([]);
});

test("agentMDFile: the agent has it as its memory, also in a subagent; it is no file of the workspace", async () => {
  const call = {
    name: "Agent",
    input: { description: "look", prompt: prompt("Look.", { text: "ok" }), subagent_type: "reviewer" },
  };
  const { requests, state } = await bench.play("Ask the reviewer", { tools: [call] }, { text: "done" });
  expect(sent(requests[0])).toContain("REMEMBERED in every conversation.");
  const inside = requests.find(({ model }) => model === "claude-haiku-4-5");
  expect(sent(inside)).toContain("REMEMBERED in every conversation.");
  expect(state.workspaceFiles).toEqual([]);
});

test("subagents: offered by name and description; prompt, model and tools are its own", async () => {
  const call = {
    name: "Agent",
    input: {
      description: "look",
      prompt: prompt("Look.", { tools: [bash("touch no.txt")] }, { text: "Looked." }),
      subagent_type: "reviewer",
    },
  };
  const { requests, state } = await bench.play("Ask the reviewer", { tools: [call] }, { text: "done" });
  expect(sent(requests[0])).toContain("reviewer: LOOKS at code");
  const inside = requests.find(({ model }) => model === "claude-haiku-4-5");
  expect(inside?.system).toContain("You are the REVIEWER.");
  expect(inside?.toolNames).toEqual(["Read"]);
  const reviewer = state.subagents.at(-1);
  expect(reviewer).toMatchObject({ name: "reviewer", status: "completed", output: "Looked." });
  // What is not among its tools is refused, though the agent itself has it.
  expect(reviewer?.blocks.find(({ type }) => type === "tool_result")).toMatchObject({ isError: true });
  expect(state.workspaceFiles).toEqual([]);
});

test("skills: offered by name and description, alone; one is loaded, and its script runs with its files", async () => {
  const { requests, results } = await bench.play(
    "Weigh",
    { tools: [{ name: "Skill", input: { skill: "profile:weigh" } }] },
    { tools: [bash(`$(find "$HOME" -path '*skills/weigh/scripts/weigh.sh')`)] },
    { text: "done" },
  );
  expect(sent(requests[0])).toContain('profile:weigh: WEIGHS things: \\"exactly\\"');
  expect(sent(requests[0])).toContain("profile:plain: A skill without front matter");
  expect(sent(requests[0])).not.toContain("update-config");
  expect(sent(requests[1])).toMatch(/Run \/[^"]*\/skills\/weigh\/scripts\/weigh\.sh/);
  expect(results[1]?.trim().split(/\s+/)).toEqual(["0", "255", "1", "254"]);
});

test("model: the agent's, where the session names none", async () => {
  const { requests, state } = await bench.play("Hello", { text: "Hello." });
  expect(requests.map(({ model }) => model)).toEqual(["claude-opus-4-6"]);
  expect(state.sessionMetadata.model).toBe("claude-opus-4-6");
});

test("commands: a message /name args is the command's prompt; the log keeps what was written", async () => {
  const { requests, state } = await bench.play('/greet Ann "the north"');
  expect(sent(requests[0])).toContain("Greet Ann from the north.");
  expect(said(state).at(-1)).toBe("Greeted.");
  expect(state.blocks.findLast(({ type }) => type === "user_message")).toMatchObject({
    content: '/greet Ann "the north"',
  });
});

test("commands: one that is not there is refused at once, with those that are; the session goes on", async () => {
  const { lastSeq } = await bench.server.state(bench.sessionId);
  for (const content of ["/gret Ann", "/clear"]) {
    const refused = await bench.server.send(bench.sessionId, content);
    expect(refused.status).toBe(422);
    const problem = {
      error: "unknown_command",
      field: "body.content",
      detail: expect.stringContaining("/greet") as string,
    };
    expect(await refused.json()).toMatchObject(problem);
  }
  // Nothing of it is in the log.
  expect((await bench.server.state(bench.sessionId)).lastSeq).toBe(lastSeq);
  expect(said((await bench.play("Hello", { text: "Still here." })).state).at(-1)).toBe("Still here.");
});

test("commands: a message that waits for its turn cannot become one that is not there", async () => {
  const { server, sessionId } = bench;
  const holds = prompt("Wait", { tools: [bash("until [ -e /tmp/go ]; do sleep 0.1; done")] }, { text: "Gone." });
  expect((await server.send(sessionId, holds)).status).toBe(202);
  const waits = await server.send(sessionId, prompt("Next", { text: "As it was." }), { messageId: "waits" });
  expect(waits.status).toBe(202);
  const path = `/sessions/${sessionId}/messages/waits`;
  expect((await server.request("PATCH", path, { content: "/nothing" })).status).toBe(422);
  const greet = await server.request("PATCH", path, { content: '/greet Bob "the south"' });
  expect(greet.status).toBe(204);
  await server.request("DELETE", path);
  await server.request("POST", `/sessions/${sessionId}/interrupt`);
  await server.until(sessionId, ({ turn, queue }) => turn === null && queue.length === 0);
});

test("commands: /compact and /context are the harness's own; the conversation goes on with its summary", async () => {
  await using other = await profileBench({ tools: ["Bash"], commands: profile.commands });
  await other.play("Talk of WALRUSES", { text: "A long talk." });
  const summed = await other.play("/compact keep the animals");
  expect(sent(summed.requests.at(-1))).toContain("keep the animals");
  expect(systemBlocks(summed.state, "compaction")).toHaveLength(1);
  expect([summed.state.lastTurn?.status, errors(summed.state)]).toEqual(["completed", []]);
  const next = await other.play("Go on", { text: "I go on." });
  expect(sent(next.requests[0])).not.toContain("A long talk.");
  expect(said(next.state)).toEqual(["A long talk.", "I go on."]);
  const context = await other.play("/context");
  expect(context.requests).toEqual([]);
  expect(said(context.state).at(-1)).toMatch(/Context Usage.*System prompt/s);
  expect(said((await other.play("Still", { text: "Still here." })).state).at(-1)).toBe("Still here.");
});

test("skills: a message /name args runs one, by itself or as the model calls it", async () => {
  const { requests, results } = await bench.play(
    `/weigh it well ${script([{ tools: [bash(`$(find "$HOME" -path '*skills/weigh/scripts/weigh.sh')`)] }, { text: "done" }])}`,
  );
  expect(sent(requests[0])).toMatch(
    /The skill weigh, whose files are in (\/\S+\/skills\/weigh):.*Run \1\/scripts\/weigh\.sh/,
  );
  expect(sent(requests[0])).toContain("ARGUMENTS: it well");
  expect(results[0]?.trim().split(/\s+/)).toEqual(["0", "255", "1", "254"]);
  const named = await bench.play(`/profile:plain ${script([{ text: "Plainly." }])}`);
  expect(sent(named.requests[0])).toContain("PLAIN body");
  expect(said(named.state).at(-1)).toBe("Plainly.");
});

test("commands: a path, and without commands everything, is text, with memory and skills", async () => {
  const path = await bench.play(`/etc/hosts is wrong ${script([{ text: "I see." }])}`);
  expect(said(path.state).at(-1)).toBe("I see.");
  await using other = await profileBench({ ...profile, commands: [] });
  const { requests, state } = await other.play(`/clear ${script([{ text: "It is only text." }])}`);
  expect(said(state)).toEqual(["It is only text."]);
  expect(sent(requests[0])).toContain("/clear");
  expect(sent(requests[0])).toContain("REMEMBERED in every conversation.");
  expect(sent(requests[0])).toContain("profile:plain: A skill without front matter");
});

test("environmentVariables: a public one is in the agent's environment", async () => {
  const { results } = await bench.play("Where?", { tools: [bash('echo "[$REGION]"')] }, { text: "done" });
  expect(results).toEqual(["[eu north]"]);
});

test("defaultWorkspaceFiles: a session begins with them, binary and executable ones too", async () => {
  const defaultWorkspaceFiles = [
    { path: "bin/show", content: "#!/bin/sh\nod -An -tu1 data/a.bin\n", mode: 0o755 },
    { path: "data/a.bin", content: DATA.toString("base64"), encoding: "base64" as const },
  ];
  await using other = await profileBench({ tools: ["Bash"], defaultWorkspaceFiles });
  const { results, state } = await other.play("Show", { tools: [bash("bin/show")] }, { text: "done" });
  expect(results[0]?.trim().split(/\s+/)).toEqual(["0", "255", "1", "254"]);
  expect(state.workspaceFiles.map(({ path }) => path).toSorted()).toEqual(["bin/show", "data/a.bin"]);
});

test("skills, agentMDFile: they are there again in a new sandbox, in which the conversation goes on", async () => {
  await bench.server.request("POST", `/sessions/${bench.sessionId}/unload`);
  const { requests, results } = await bench.play(
    "Again",
    { tools: [{ name: "Skill", input: { skill: "profile:plain" } }] },
    { text: "done" },
  );
  expect(sent(requests[0])).toContain("REMEMBERED in every conversation.");
  expect(results).toEqual(["Launching skill: profile:plain"]);
  expect(sent(requests[1])).toContain("PLAIN body");
});
