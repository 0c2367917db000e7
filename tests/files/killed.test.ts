import { expect, test } from "vitest";
import { modelAndFolder } from "../testing/model-and-folder.ts";
import { bash, prompt } from "../testing/prompts.ts";
import { runnerOf, sandboxPid } from "../testing/processes.ts";
import { API_KEY, startRuntime } from "../testing/runtime-under-test.ts";
import { startServerProcess, type ServerProcess } from "../testing/server-process.ts";
import { logOf } from "../testing/session-log.ts";
import { fileRequests } from "./file-requests.ts";

const at = modelAndFolder();

const serve = (failpoint?: string): Promise<ServerProcess> =>
  startServerProcess({
    folder: at.folder,
    modelUrl: at.model.url,
    environment: failpoint === undefined ? {} : { AGENT_RUNTIME_FAILPOINT: failpoint },
  });
const over = (server: ServerProcess, id: string) =>
  server.until(id, ({ turn, queue }) => turn === null && queue.length === 0);

/** Puts a file into a server that dies over it. */
async function putAndDie(server: ServerProcess, [id, path, content]: [string, string, string]): Promise<void> {
  await fileRequests(server.url, fetch)
    .put(id, path, content)
    .catch(() => undefined);
  await server.exited;
}

const eventsOf = async (server: ServerProcess, id: string, path: string): Promise<string[]> =>
  (await logOf(server, id)).flatMap(({ type, data }) => ("file" in data && data.file.path === path ? [type] : []));

test("a file that was said to be written stays, wherever the server is killed; one in the log has its bytes", async () => {
  const first = await serve("file:before");
  const body = { agentProfileRef: "default", architecture: "claude-agent-sdk" };
  const created = await first.request("POST", "/sessions/create", body);
  const { sessionId: id } = (await created.json()) as { sessionId: string };
  await putAndDie(first, [id, "early", "early"]);

  // At rest: not done, and nothing of it is there; the same again does it.
  const second = await serve("file:after");
  const files = fileRequests(second.url, fetch);
  expect(await files.list(id)).toEqual([]);
  expect((await files.put(id, "early", "early")).status).toBe(201);
  await second.exited;

  const third = await serve("file:told");
  expect(await (await fileRequests(third.url, fetch).read(id, "early")).text()).toBe("early");
  await third.request("POST", `/sessions/${id}/message`, {
    content: prompt(
      "look",
      { tools: [bash("cat early; touch seen; while [ ! -e late ]; do sleep 0.05; done; wc -c < late")] },
      { text: "x" },
    ),
  });
  await third.until(id, ({ workspaceFiles }) => workspaceFiles.some(({ path }) => path === "seen"));
  const late = "late ".repeat(30_000);
  await putAndDie(third, [id, "late", late]);

  // The runner had it, and tells the next server.
  await using fourth = await serve();
  const again = fileRequests(fourth.url, fetch);
  const done = await over(fourth, id);
  expect(done.blocks.findLast(({ type }) => type === "tool_result")).toMatchObject({ content: `early${late.length}` });
  expect(await (await again.read(id, "late")).text()).toBe(late);
  expect((await again.put(id, "late", late)).status).toBe(200);
  expect(await eventsOf(fourth, id, "late")).toEqual(["session:file:created"]);
  expect(await eventsOf(fourth, id, "early")).toEqual(["session:file:created"]);
  expect((await fourth.request("POST", `/sessions/${id}/unload`)).status).toBe(204);
  expect((await again.list(id)).map(({ path }) => path)).toEqual(["early", "late", "seen"]);
});

test("a sandbox that is killed while its runner is to change files: they are changed all the same, for the next one", async () => {
  await using bench = await startRuntime({}, { model: at.model });
  const rest = bench.runtime.createRestServer({ apiKey: API_KEY });
  const files = fileRequests("http://runtime.test", (request) => rest.fetch(request));
  const id = await bench.create({ defaultWorkspaceFiles: [{ path: "old", content: "old" }] });
  const { runtime } = await bench.turn(id, prompt("begin", { tools: [bash("touch made")] }, { text: "begun" }));
  const sandbox = await sandboxPid(bench.dataDir, runtime.sandbox?.sandboxId ?? "");
  process.kill(runnerOf(sandbox).pid, "SIGSTOP");
  const changed = [files.put(id, "given", "given"), files.remove(id, "old")];
  // Asked later, and answered: so those wait for the runner.
  for (let n = 0; n < 5; n++) await bench.state(id);
  process.kill(sandbox, "SIGKILL");
  expect((await Promise.all(changed)).map(({ status }) => status)).toEqual([201, 204]);
  expect((await files.list(id)).map(({ path }) => path)).toEqual(["given", "made"]);
  const after = await bench.turn(
    id,
    prompt("look", { tools: [bash("ls | tr '\\n' ' '; cat given")] }, { text: "seen" }),
  );
  expect(after.blocks.findLast(({ type }) => type === "tool_result")).toMatchObject({ content: "given made given" });
});
