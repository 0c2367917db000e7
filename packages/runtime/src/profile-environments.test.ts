import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AgentProfile, SessionState } from "@hhopkins/agent-runtime-protocol";
import { script, startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AgentRuntimeConfig } from "./configuration.ts";
import { memoryPersistence } from "./persistence/memory/index.ts";
import { createAgentRuntime } from "./runtime.ts";
import { GREETERS } from "./sandbox/environments/testing/greeters.ts";
import { startRegistry, type Registry } from "./sandbox/environments/testing/registry.ts";
import { localSandbox } from "./sandbox/local/index.ts";

/** npm, pip and an agent's start take their time on a busy machine. */
const SLOW_MS = 180_000;

let scratch: string;
let model: ScriptedModel;
let registry: Registry;
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "profile-environments-"));
  model = await startScriptedModel();
  registry = await startRegistry();
  await registry.publish(GREETERS);
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await model.close();
  rmSync(scratch, { recursive: true, force: true });
});

interface Bench extends AsyncDisposable {
  create(): Promise<string>;
  /** Sends and waits until the session is idle again. */
  turn(sessionId: string, command: string): Promise<SessionState>;
  /** What the session's status has said, in order. */
  statuses(sessionId: string): Promise<(string | undefined)[]>;
}

let benches = 0;
async function bench(profile: Partial<AgentProfile>, config: AgentRuntimeConfig = {}): Promise<Bench> {
  const dataDir = join(scratch, `data-${(benches += 1)}`);
  mkdirSync(dataDir);
  const profiles = [{ id: "p", name: "P", tools: ["Bash"], ...profile }];
  const persistence = memoryPersistence({ profiles });
  const runtime = await createAgentRuntime({
    persistence,
    sandbox: localSandbox({ dataDir, pollMs: 20 }),
    credentials: () => ({ baseUrl: model.url, apiKey: "any" }),
    registries: { npm: registry.npm, pip: registry.pip },
    auth: "none",
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    shutdownGraceMs: 200,
    ...config,
  });
  await runtime.start();
  const rest = runtime.createRestServer();
  const request = async (method: string, path: string, body?: object): Promise<unknown> => {
    const json =
      body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const response = await rest.fetch(new Request(`http://runtime.test${path}`, { method, ...json }));
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.status === 204 ? undefined : response.json();
  };
  const state = async (id: string): Promise<SessionState> => (await request("GET", `/sessions/${id}`)) as SessionState;
  return {
    async create() {
      const body = { agentProfileRef: "p", architecture: "claude-agent-sdk" };
      return ((await request("POST", "/sessions/create", body)) as { sessionId: string }).sessionId;
    },
    async turn(id, command) {
      const content = script([
        { tools: [{ name: "Bash", input: { command, description: "test" } }] },
        { text: "done" },
      ]);
      await request("POST", `/sessions/${id}/message`, { content });
      await expect.poll(async () => (await state(id)).turn, { timeout: SLOW_MS, interval: 50 }).toBeNull();
      return state(id);
    },
    async statuses(id) {
      const events = await persistence.store.events({ tenant: "default", sessionId: id }, { after: 0, limit: 10_000 });
      return events.flatMap((event) =>
        event.type === "session:status" ? [event.data.runtime.sandbox?.statusMessage] : [],
      );
    },
    async [Symbol.asyncDispose]() {
      for (const { sessionId } of runtime.sessionManager.getLoadedSessions())
        await request("DELETE", `/sessions/${sessionId}`);
      await runtime.shutdown();
    },
  };
}

const output = (state: SessionState): string =>
  state.blocks.flatMap((block) => (block.type === "tool_result" ? [block.content] : [])).join("\n");

test(
  "an agent has what its profile and its skills want installed; the status tells how far it is",
  async () => {
    const skill = { name: "s", description: "Greets", skillMd: "", pipDependencies: ["greeterpy==2.0.0"] };
    await using own = await bench({ npmDependencies: ["greeter@^1.0.0"], skills: [skill] });
    const id = await own.create();
    const state = await own.turn(id, "greet; greet-py; node -e \"console.log(require('words').hello)\"");
    expect(output(state)).toBe("hello from npm\nhello from pip\nhello");
    const said = await own.statuses(id);
    expect(said.join("\n")).toMatch(/Starting a sandbox to install what the profile wants/);
    // The next session has it at once.
    const before = registry.asked.length;
    expect(output(await own.turn(await own.create(), "greet"))).toBe("hello from npm");
    expect(registry.asked.length).toBe(before);
  },
  SLOW_MS,
);

test(
  "an installation that takes its time is told of while it goes on",
  async () => {
    const folder = join(scratch, "long");
    mkdirSync(folder);
    // Longer than the pause between two messages.
    const mcp = {
      name: "long",
      description: "",
      localProjectPath: folder,
      startCommand: "",
      installCommand: "sleep 4",
    };
    await using own = await bench({ bundledMCPs: [mcp] });
    const id = await own.create();
    expect((await own.turn(id, "echo ready")).turn).toBeNull();
    expect((await own.statuses(id)).join("\n")).toMatch(/Installing .*long/);
  },
  SLOW_MS,
);

test(
  "an install that fails ends the turn with the tool's own words; the next message tries again",
  async () => {
    await using own = await bench({ pipDependencies: ["laterpy"] });
    const id = await own.create();
    const failed = await own.turn(id, "echo never");
    expect(failed.blocks.at(-1)).toMatchObject({
      type: "error",
      code: "environment_failed",
      message: expect.stringContaining("No matching distribution found for laterpy"),
    });
    expect(failed.runtime.sandbox).toMatchObject({
      status: "error",
      statusMessage: expect.stringContaining("No matching distribution found for laterpy"),
    });
    await registry.publish({
      wheels: [{ name: "laterpy", version: "1.0.0", files: { "laterpy.py": "V = 'there'\n" } }],
    });
    const after = await own.turn(id, "python3 -c 'import laterpy; print(laterpy.V)'");
    expect(output(after)).toBe("there");
    expect(after.runtime.sandbox).toMatchObject({ status: "ready" });
  },
  SLOW_MS,
);

test(
  "an installation that reaches for another host fails, and is told which option lets it",
  async () => {
    const folder = join(scratch, "reaching");
    mkdirSync(folder);
    const installCommand = `python3 -c "import urllib.request as u; u.urlopen('http://127.0.0.1:9/x')"`;
    const mcp = { name: "reaching", description: "", localProjectPath: folder, startCommand: "", installCommand };
    await using own = await bench({ bundledMCPs: [mcp] });
    const failed = await own.turn(await own.create(), "echo never");
    expect(failed.blocks.at(-1)).toMatchObject({
      type: "error",
      code: "environment_failed",
      message: expect.stringMatching(/127\.0\.0\.1:9 is not on the list.*--registry-hosts, or registries\.hosts/),
    });
  },
  SLOW_MS,
);

test(
  "what is not installed within environmentTimeoutMs is given up, with what it was at",
  async () => {
    const folder = join(scratch, "slow");
    mkdirSync(folder);
    const mcp = {
      name: "slow",
      description: "",
      localProjectPath: folder,
      startCommand: "",
      installCommand: "sleep 1000",
    };
    await using own = await bench({ bundledMCPs: [mcp] }, { environmentTimeoutMs: 3_000 });
    const failed = await own.turn(await own.create(), "echo never");
    expect(failed.blocks.at(-1)).toMatchObject({
      type: "error",
      code: "environment_failed",
      message: expect.stringMatching(/within 3 s \(environmentTimeoutMs\)/),
    });
  },
  SLOW_MS,
);
