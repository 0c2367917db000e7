import { RUNNER_ARCHITECTURES } from "@hhopkins/agent-runtime-runner/manifest";
import { script, startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { startModalDouble, type ModalDouble } from "@hhopkins/agent-runtime-testkit/modal-double";
import { ModalClient } from "modal";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { CANARY, said } from "../testing/runtime-under-test.ts";
import { startServerProcess, type ServerProcess } from "../testing/server-process.ts";

let model: ScriptedModel;
let double: ModalDouble;
let folder: string;
const servers: ServerProcess[] = [];

beforeAll(async () => {
  model = await startScriptedModel();
  double = await startModalDouble({
    packages: RUNNER_ARCHITECTURES["claude-agent-sdk"]?.resolvePackages(import.meta.url) ?? {},
  });
  folder = await mkdtemp(join(tmpdir(), "main-job-modal-"));
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
});
afterAll(async () => {
  await double.stop();
  await model.close();
  await rm(folder, { recursive: true, force: true });
});

async function serve(): Promise<ServerProcess> {
  const server = await startServerProcess({
    folder,
    modelUrl: model.url,
    flags: ["--sandbox", "modal"],
    environment: {
      MODAL_TOKEN_ID: double.tokenId,
      MODAL_TOKEN_SECRET: double.tokenSecret,
      MODAL_SERVER_URL: double.url,
      MODAL_APP_NAME: "my-agents",
    },
  });
  servers.push(server);
  return server;
}

async function begin(server: ServerProcess, content: string): Promise<string> {
  const created = await server.request("POST", "/sessions/create", {
    agentProfileRef: "default",
    architecture: "claude-agent-sdk",
  });
  const { sessionId } = (await created.json()) as { sessionId: string };
  expect((await server.request("POST", `/sessions/${sessionId}/message`, { content })).status).toBe(202);
  return sessionId;
}

const running = async () =>
  (await double.control.report()).sandboxes
    .filter(({ state }) => state === "running")
    .map(({ sandboxId }) => sandboxId);

/** By the SDK itself: another line of ours would take the sandbox from its server. */
async function touch(sandboxId: string, path: string): Promise<void> {
  process.env["MODAL_SERVER_URL"] = double.url;
  const client = new ModalClient({ tokenId: double.tokenId, tokenSecret: double.tokenSecret, logLevel: "error" });
  const sandbox = await client.sandboxes.fromId(sandboxId);
  expect(await (await sandbox.exec(["touch", path])).wait()).toBe(0);
  sandbox.detach();
  client.close();
  delete process.env["MODAL_SERVER_URL"];
}

/** Searches environments, command lines and files for a text, without saying it; what it finds of a planted one proves that it can. */
function searchFor(text: string): string {
  const [first, second] = [text.slice(0, 6), text.slice(6)];
  const places = "/proc/[0-9]*/environ /proc/[0-9]*/cmdline /home /workspace /state /run /opt/agent-runtime/*.mjs";
  return [
    `printf '%s%s' '${first}' '${second}' > /tmp/pattern; cp /tmp/pattern /run/planted`,
    `grep -ralFf /tmp/pattern ${places} 2>/dev/null | sed 's,.*/,,'; rm /run/planted; echo searched`,
  ].join("; ");
}

const bash = (command: string) => ({ tools: [{ name: "Bash", input: { command, description: "work" } }] });

test("the whole job on Modal: an agent works, its files are kept, and a new sandbox goes on with both", async () => {
  const server = await serve();
  const steps = [
    bash("mkdir -p notes && echo kept > notes/a.txt && env"),
    bash(searchFor(CANARY)),
    { text: "It is written." },
    bash("cat notes/a.txt"),
    { text: "It was there." },
  ];
  const sessionId = await begin(server, `go ${script(steps)}`);
  const done = await server.until(sessionId, ({ turn, blocks }) => turn === null && blocks.length > 1);
  expect(said(done)).toEqual(["It is written."]);
  expect(done.workspaceFiles).toMatchObject([{ path: "notes/a.txt", content: "kept\n" }]);
  expect(JSON.stringify(done.blocks)).not.toContain(CANARY);
  expect(done.blocks.findLast((block) => block.type === "tool_result")).toMatchObject({ content: "planted\nsearched" });
  expect(await running()).toHaveLength(1);
  expect((await server.request("POST", `/sessions/${sessionId}/unload`)).status).toBeLessThan(300);
  expect(await running()).toEqual([]);
  await server.request("POST", `/sessions/${sessionId}/message`, { content: "look" });
  const again = await server.until(
    sessionId,
    ({ turn, blocks }) => turn === null && blocks.length > done.blocks.length,
  );
  expect(said(again)).toEqual(["It is written.", "It was there."]);
  expect(again.blocks.findLast((block) => block.type === "tool_result")).toMatchObject({ content: "kept" });
  expect((await server.request("DELETE", `/sessions/${sessionId}`)).status).toBe(204);
  expect(await running()).toEqual([]);
  expect(await double.control.report()).toMatchObject({ unknownCalls: [], apps: ["my-agents"] });
});

test("a turn goes on while no server runs, and nothing of it is lost or doubled", async () => {
  const first = await serve();
  const steps = [
    bash("touch started; while [ ! -e go ]; do sleep 0.1; done; echo once >> done.txt; cat done.txt"),
    { text: "Done." },
  ];
  const sessionId = await begin(first, `go ${script(steps)}`);
  await first.until(sessionId, ({ blocks }) => blocks.some((block) => block.type === "tool_use"));
  const [sandbox] = await running();
  await first.end("SIGKILL");
  const second = await serve();
  const adopted = await second.state(sessionId);
  expect(adopted.turn).not.toBeNull();
  await second.until(sessionId, ({ runtime }) => runtime.sandbox?.status === "ready");
  expect(await running()).toEqual([sandbox]);
  await touch(sandbox ?? "", "/workspace/go");
  const done = await second.until(sessionId, ({ turn, queue }) => turn === null && queue.length === 0);
  expect(said(done)).toEqual(["Done."]);
  const results = done.blocks.flatMap((block) => (block.type === "tool_result" ? [block.content] : []));
  expect(results).toEqual(["once"]);
  expect(await running()).toEqual([sandbox]);
  await second.request("DELETE", `/sessions/${sessionId}`);
});
