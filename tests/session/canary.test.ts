import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RUNNER_ARCHITECTURES } from "@hhopkins/agent-runtime-runner/manifest";
import { startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { startModalDouble } from "@hhopkins/agent-runtime-testkit/modal-double";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { canaryScan, plantWord } from "../testing/canary-scan.ts";
import { bash, prompt } from "../testing/prompts.ts";
import { API_KEY, CANARY } from "../testing/runtime-under-test.ts";
import { endSandboxes, startServerProcess, type ServerProcess } from "../testing/server-process.ts";
import { dockerFlags, testEngine } from "../testing/test-engine.ts";

const SECRET = "ghp_canary_in_the_server_c81e77";
const PLANTED = `planted-${randomBytes(8).toString("hex")}`;

let model: ScriptedModel;
let folder: string;
const ends: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  model = await startScriptedModel();
});
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});
afterAll(() => model.close());

async function serve(flags: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  folder = await mkdtemp(join(tmpdir(), "canary-"));
  ends.push(() => rm(folder, { recursive: true, force: true }));
  ends.push(() => endSandboxes(folder));
  const server = await startServerProcess({
    folder,
    modelUrl: model.url,
    flags,
    environment: { AGENT_RUNTIME_SECRET_GIT: SECRET, ...environment },
  });
  ends.push(async () => server[Symbol.asyncDispose]());
  return server;
}

/** What a command says that a real agent runs in a turn. */
async function agent(server: ServerProcess): Promise<(command: string) => Promise<string>> {
  const created = await server.request("POST", "/sessions/create", {
    agentProfileRef: "default",
    architecture: "claude-agent-sdk",
  });
  const { sessionId } = (await created.json()) as { sessionId: string };
  ends.push(() => server.request("DELETE", `/sessions/${sessionId}`));
  let turns = 0;
  return async (command) => {
    turns += 1;
    const { name, input } = bash(command);
    // A look at all memory takes longer than the tool's two minutes where the machine is busy.
    const tools = [{ name, input: { ...input, timeout: 600_000 } }];
    const content = prompt(`look ${turns}`, { tools }, { text: `looked ${turns}` });
    expect((await server.request("POST", `/sessions/${sessionId}/message`, { content })).status).toBe(202);
    const done = await server.until(
      sessionId,
      ({ turn, queue, blocks }) =>
        turn === null && queue.length === 0 && blocks.filter(({ type }) => type === "user_message").length === turns,
    );
    const result = done.blocks.findLast(({ type }) => type === "tool_result");
    if (result?.type !== "tool_result") throw new Error(JSON.stringify(done.blocks.slice(-3)));
    return result.content;
  };
}

/** A turn of the real harness, then a look everywhere inside: nothing there, but the word that was hidden to be found. */
async function expectNothingInside(server: ServerProcess): Promise<void> {
  const run = await agent(server);
  const before = model.requests.length;
  expect(await run(plantWord(PLANTED))).toContain("planted");
  const asked = model.requests.slice(before);
  expect(asked.length).toBeGreaterThan(0);
  expect(asked.every(({ headers }) => headers["x-api-key"] === CANARY)).toBe(true);
  const said = await run(canaryScan({ words: [CANARY, SECRET, API_KEY, PLANTED], pids: [], folders: ["/"] }));
  expect(said).toContain("end of the scan");
  const found = said.split("\n").filter((line) => line.startsWith("found "));
  const planted = `found ${PLANTED.slice(0, 4)}...${PLANTED.slice(-2)} in `;
  expect(found.filter((line) => !line.startsWith(planted))).toEqual([]);
  // The look was a real one: it sees other processes' memory, the harness's too, and finds what is there to be found.
  for (const place of ["environ of sleep", "memory of python3", "file /tmp/planted-word"]) {
    expect(found.join("\n"), said).toContain(`${planted}${place}`);
  }
  const read = said.split("\n").filter((line) => line.startsWith("read: memory of "));
  expect(read.length, said).toBeGreaterThanOrEqual(4);
}

describe("after a real turn no key is inside: environments, arguments, files, and all memory, the harness's too", () => {
  test("local", { timeout: 400_000 }, async () => {
    await expectNothingInside(await serve(["--sandbox", "local"]));
  });

  test("docker", { timeout: 400_000 }, async ({ skip }) => {
    const engine = await testEngine();
    if (typeof engine === "string") return skip(engine);
    const { flags, environment } = dockerFlags(engine);
    await expectNothingInside(await serve(flags, environment));
  });

  test("modal, on the double", { timeout: 400_000 }, async () => {
    const packages = RUNNER_ARCHITECTURES["claude-agent-sdk"]?.resolvePackages(import.meta.url) ?? {};
    const double = await startModalDouble({ packages });
    ends.push(() => double.stop());
    const { tokenId, tokenSecret, url } = double;
    const environment = { MODAL_TOKEN_ID: tokenId, MODAL_TOKEN_SECRET: tokenSecret, MODAL_SERVER_URL: url };
    await expectNothingInside(await serve(["--sandbox", "modal"], environment));
  });

  test("the same look finds the server's key where nothing is isolated", { timeout: 400_000 }, async () => {
    const server = await serve(["--sandbox", "unsafe-process"]);
    const run = await agent(server);
    const said = await run(canaryScan({ words: [CANARY, SECRET], pids: [server.pid], folders: [] }));
    for (const place of ["environ of", "memory of"]) {
      expect(said).toMatch(new RegExp(`found sk-a\\.\\.\\.d2 in ${place}`));
      expect(said).toMatch(new RegExp(`found ghp_\\.\\.\\.77 in ${place}`));
    }
  });
});
