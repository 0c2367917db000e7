import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AgentProfile, SessionState } from "@hhopkins/agent-runtime-protocol";
import { script, startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { memoryPersistence } from "./persistence/memory/index.ts";
import { createAgentRuntime, type AgentRuntime } from "./runtime.ts";
import { GREETERS } from "./sandbox/environments/testing/greeters.ts";
import { startRegistry, type Registry } from "./sandbox/environments/testing/registry.ts";
import { localSandbox } from "./sandbox/local/index.ts";
import { recordResults } from "./testing/case-results.ts";

/** npm, pip and an agent's start take their time on a busy machine. */
const SLOW_MS = 180_000;

const results = recordResults("profiles", { suite: "installed", column: "claude-agent-sdk", version: "0.3.330" });
afterEach(({ task }) => results.add(task.name, { state: task.result?.state === "pass" ? "passed" : "failed" }));

const profile: AgentProfile = {
  id: "p",
  name: "P",
  tools: ["Bash"],
  skills: [
    {
      name: "greeting",
      description: "Greets in two languages",
      skillMd: "Run ${CLAUDE_SKILL_DIR}/greet.sh",
      supportingFiles: [
        {
          path: "greet.sh",
          content: '#!/bin/sh\nnode "$(dirname "$0")/greet.cjs"; python3 -m greeterpy.say\n',
          mode: 0o755,
        },
        { path: "greet.cjs", content: "console.log(require('greeter').greeting);\n" },
      ],
      npmDependencies: ["greeter@1.2.0"],
      pipDependencies: ["greeterpy==2.0.0"],
    },
  ],
};

let scratch: string;
let model: ScriptedModel;
let registry: Registry;
let runtime: AgentRuntime;
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "profile-skills-"));
  model = await startScriptedModel();
  registry = await startRegistry();
  const [greeter] = GREETERS.wheels;
  const say = { "greeterpy/say.py": "import greeterpy\ngreeterpy.main()\n" };
  const wheels = GREETERS.wheels.map((wheel) =>
    wheel === greeter ? { ...wheel, files: { ...wheel.files, ...say } } : wheel,
  );
  await registry.publish({ npm: GREETERS.npm, wheels });
  runtime = await createAgentRuntime({
    persistence: memoryPersistence({ profiles: [profile] }),
    sandbox: localSandbox({ dataDir: scratch, pollMs: 20 }),
    credentials: () => ({ baseUrl: model.url, apiKey: "any" }),
    registries: { npm: registry.npm, pip: registry.pip },
    auth: "none",
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    shutdownGraceMs: 200,
  });
  await runtime.start();
}, SLOW_MS);
afterAll(async () => {
  await runtime.shutdown();
  await registry[Symbol.asyncDispose]();
  await model.close();
  rmSync(scratch, { recursive: true, force: true });
});

test(
  "npmDependencies, pipDependencies: a skill's script runs with what the skill wants installed",
  async () => {
    const rest = runtime.createRestServer();
    const request = async (method: string, path: string, body?: object): Promise<unknown> => {
      const headers = { "content-type": "application/json" };
      const json = body === undefined ? {} : { headers, body: JSON.stringify(body) };
      const response = await rest.fetch(new Request(`http://runtime.test${path}`, { method, ...json }));
      expect(response.ok).toBe(true);
      return response.status === 204 ? undefined : response.json();
    };
    const created = await request("POST", "/sessions/create", {
      agentProfileRef: "p",
      architecture: "claude-agent-sdk",
    });
    const { sessionId } = created as { sessionId: string };
    const command = `"$(find "$HOME" -path '*/skills/greeting/greet.sh')"`;
    const content = script([
      { tools: [{ name: "Skill", input: { skill: "profile:greeting" } }] },
      { tools: [{ name: "Bash", input: { command, description: "Greet" } }] },
      { text: "done" },
    ]);
    await request("POST", `/sessions/${sessionId}/message`, { content });
    const state = async (): Promise<SessionState> => (await request("GET", `/sessions/${sessionId}`)) as SessionState;
    await expect.poll(async () => (await state()).turn, { timeout: SLOW_MS, interval: 50 }).toBeNull();
    const said = (await state()).blocks.flatMap((block) => (block.type === "tool_result" ? [block.content] : []));
    await request("DELETE", `/sessions/${sessionId}`);
    expect(said).toEqual(["Launching skill: profile:greeting", "hello from npm\nhello from pip"]);
    expect(JSON.stringify(model.requests[0]?.body)).toContain("profile:greeting: Greets in two languages");
  },
  SLOW_MS,
);
