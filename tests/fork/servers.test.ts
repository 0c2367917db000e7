import { describe, expect, test } from "vitest";
import { nineMethodAdapter } from "../contract/nine-methods.ts";
import { startCluster } from "../testing/cluster-under-test.ts";
import { askedConversation } from "../testing/model-conversation.ts";
import { bash, prompt } from "../testing/prompts.ts";
import { said, startRuntime } from "../testing/runtime-under-test.ts";
import { startServerProcess, type ServerProcess } from "../testing/server-process.ts";
import { modelAndFolder } from "../testing/model-and-folder.ts";

const at = modelAndFolder();

const idle = (server: ServerProcess, id: string) =>
  server.until(id, ({ turn, queue }) => turn === null && queue.length === 0);

async function turn(server: ServerProcess, id: string, content: string): Promise<string> {
  expect((await server.request("POST", `/sessions/${id}/message`, { content })).status).toBe(202);
  const { lastTurn } = await idle(server, id);
  return lastTurn?.turnId ?? "";
}

const ONE = prompt("one", { tools: [bash("printf one > kept.txt")] }, { text: "first" });
const TWO = prompt("two", { tools: [bash("printf two > kept.txt; touch later.txt")] }, { text: "second" });

test.each([
  { point: "rewind:before", answers: ["first", "second"] },
  { point: "rewind:after", answers: ["first"] },
])("a server that is killed at $point has gone back wholly or not at all, and its follower goes on", async (each) => {
  const options = { folder: at.folder, modelUrl: at.model.url };
  const environment = { AGENT_RUNTIME_FAILPOINT: each.point };
  const first = await startServerProcess({ ...options, environment });
  const body = { agentProfileRef: "default", architecture: "claude-agent-sdk" };
  const created = await first.request("POST", "/sessions/create", body);
  const { sessionId: id } = (await created.json()) as { sessionId: string };
  const t1 = await turn(first, id, ONE);
  await turn(first, id, TWO);
  await first.request("POST", `/sessions/${id}/rewind`, { turnId: t1 }).catch(() => undefined);
  await first.exited;

  await using second = await startServerProcess(options);
  const found = await idle(second, id);
  expect(said(found)).toEqual(each.answers);
  expect(found.workspaceFiles.map(({ path }) => path)).toContain("kept.txt");
  const again = await second.request("POST", `/sessions/${id}/rewind`, { turnId: t1 });
  expect(again.status).toBe(200);
  await turn(second, id, prompt("goes on", { tools: [bash("cat kept.txt; ls")] }, { text: "third" }));
  expect(said(await second.state(id))).toEqual(["first", "third"]);
  expect(askedConversation(at.model, "goes on").slice(3)).toEqual([
    "assistant: first",
    "user: goes on",
    "tool: Bash",
    "result: onekept.txt",
  ]);
});

describe("two servers on one database", () => {
  test("a session that runs on one of them is forked, and goes back, from the other one", async () => {
    await using cluster = await startCluster();
    const servers = await Promise.all(["a", "b"].map((name) => cluster.node(name)));
    const [any = servers[0]!] = servers;
    const id = await cluster.create(any);
    const t1 = await turn(any, id, ONE);
    await turn(any, id, TWO);
    // Whichever of the two has it: both are asked.
    const copies: string[] = [];
    for (const server of servers) {
      const forked = await server.request("POST", `/sessions/${id}/fork`, { turnId: t1 });
      copies.push(((await forked.json()) as { sessionId: string }).sessionId);
    }
    for (const copy of copies) expect(said(await any.state(copy))).toEqual(["first"]);
    for (const [index, server] of servers.entries()) {
      const answer = await server.request("POST", `/sessions/${id}/rewind`, { turnId: t1 });
      expect([answer.status, await answer.json()]).toMatchObject([200, { sessionId: id, turnId: t1 }]);
      const words = `after rewind ${index}`;
      await turn(
        servers[1 - index]!,
        id,
        prompt(words, { tools: [bash("cat kept.txt; touch more.txt")] }, { text: words }),
      );
      expect(askedConversation(cluster.model, words).slice(3)).toEqual([
        "assistant: first",
        `user: ${words}`,
        "tool: Bash",
        "result: one",
      ]);
      expect(said(await server.state(id))).toEqual(["first", words]);
    }
  });
});

test("an adapter of nine methods keeps no checkpoints: both are refused, and the session goes on", async () => {
  await using bench = await startRuntime({ persistence: nineMethodAdapter() }, { dataDir: at.folder, model: at.model });
  const id = await bench.create();
  const { lastTurn } = await bench.turn(id, prompt("one", { text: "first" }));
  for (const [route, body] of [
    ["fork", {}],
    ["rewind", { turnId: lastTurn?.turnId }],
    ["rewind", { turnId: "start" }],
  ] as const) {
    const answer = await bench.request("POST", `/sessions/${id}/${route}`, body);
    const problem = { error: "not_supported", detail: expect.stringContaining("SQLite") };
    expect([answer.status, await answer.json()]).toMatchObject([501, problem]);
  }
  expect(said(await bench.turn(id, prompt("two", { text: "second" })))).toEqual(["first", "second"]);
});
