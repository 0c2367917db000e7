import type { SessionState } from "@hhopkins/agent-runtime";
import { startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { prompt } from "../testing/prompts.ts";
import { endSandboxes, startServerProcess, type ServerProcess } from "../testing/server-process.ts";
import { logOf, turnEnds } from "../testing/session-log.ts";

/** For a busy machine. */
const PATIENT = { timeout: 60_000 };
const program = join(import.meta.dirname, "tool-server.ts");

let model: ScriptedModel;
let folder: string;
let server: ServerProcess | undefined;
beforeAll(async () => {
  model = await startScriptedModel();
  folder = await mkdtemp(join(tmpdir(), "host-tools-"));
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await endSandboxes(folder);
  await model.close();
  await rm(folder, { recursive: true, force: true });
});

async function started(environment: Record<string, string> = {}): Promise<ServerProcess> {
  server = await startServerProcess({
    folder,
    modelUrl: model.url,
    program,
    environment: { TOOLS_FOLDER: folder, ...environment },
  });
  return server;
}

/** Which tools had an effect, in order, with the calls' ids. */
function effects(): string[] {
  const file = join(folder, "effects");
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
}

const call = (name: string) => ({ tools: [{ name: `mcp__host__${name}`, input: {} }] });
const idle = ({ turn, queue }: SessionState): boolean => turn === null && queue.length === 0;

function results(state: SessionState): string[] {
  return state.blocks.flatMap((block) => (block.type === "tool_result" ? [block.content] : []));
}

async function statuses(from: ServerProcess, sessionId: string): Promise<string[]> {
  return (await logOf(from, sessionId)).flatMap(({ type, data }) =>
    type === "session:host-tool:completed" ? [data.status] : [],
  );
}

test("a server that is killed in the middle of a call leaves it to the next one: at most once, unless the tool is idempotent; a result that was kept arrives, once", async () => {
  const first = await started();
  const body = { agentProfileRef: "default", architecture: "claude-agent-sdk" };
  const { sessionId } = (await (await first.request("POST", "/sessions/create", body)).json()) as { sessionId: string };
  const send = (to: ServerProcess, name: string): Promise<Response> =>
    to.request("POST", `/sessions/${sessionId}/message`, {
      content: prompt(`call-${name}`, call(name), { text: `after ${name}` }),
    });

  await send(first, "pay");
  await expect.poll(effects, PATIENT).toHaveLength(1);
  await first.end("SIGKILL");
  const second = await started();
  const unknown = await second.until(sessionId, idle);
  expect(results(unknown)).toEqual([expect.stringContaining("the outcome of this call is unknown")]);
  expect(unknown.blocks.at(-1)).toMatchObject({ content: "after pay" });
  expect(effects()).toHaveLength(1);

  await send(second, "read");
  await expect.poll(effects, PATIENT).toHaveLength(2);
  await second.end("SIGKILL");
  const third = await started({ AGENT_RUNTIME_FAILPOINT: "host-tool:kept:2" });
  await expect.poll(effects, PATIENT).toHaveLength(3);
  writeFileSync(join(folder, "go-read"), "");
  const again = await third.until(sessionId, idle);
  expect(results(again).slice(1)).toEqual(["read is done"]);
  const [, once, twice] = effects();
  expect(twice).toBe(once);

  writeFileSync(join(folder, "go-pay"), "");
  await send(third, "pay");
  await third.exited;
  expect(third.output()).toContain("failpoint host-tool:kept reached");
  const fourth = await started({ TOOLS_WITHOUT: "read" });
  const kept = await fourth.until(sessionId, idle);
  expect(results(kept).slice(2)).toEqual(["pay is done"]);
  expect(effects()).toHaveLength(4);

  await send(fourth, "read");
  const gone = await fourth.until(sessionId, (state) => idle(state) && results(state).length === 4);
  expect(results(gone).slice(3)).toEqual([expect.stringContaining("The application has no tool read")]);
  expect(effects()).toHaveLength(4);
  expect(await statuses(fourth, sessionId)).toEqual(["unknown", "success", "success", "error"]);
  expect(await turnEnds(fourth, sessionId)).toEqual(Array.from({ length: 4 }, () => "completed"));
  expect((await fourth.request("DELETE", `/sessions/${sessionId}`)).status).toBe(204);
});
