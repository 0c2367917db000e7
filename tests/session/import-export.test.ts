import { memoryPersistence } from "@hhopkins/agent-runtime/persistence/memory";
import { startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bash, prompt } from "../testing/prompts.ts";
import { API_KEY, said, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";

let model: ScriptedModel;
beforeAll(async () => {
  model = await startScriptedModel();
});
afterAll(() => model.close());

/** A POST of bytes. */
async function importInto(
  server: RuntimeUnderTest,
  body: Uint8Array<ArrayBuffer>,
  { query = "", archiveBytes }: { query?: string; archiveBytes?: number } = {},
): Promise<Response> {
  const limits = archiveBytes === undefined ? {} : { archiveBytes };
  const rest = server.runtime.createRestServer({ apiKey: API_KEY, limits });
  const headers = { authorization: `Bearer ${API_KEY}`, "content-type": "application/octet-stream" };
  return rest.fetch(new Request(`http://runtime.test/sessions/import${query}`, { method: "POST", headers, body }));
}

/** What the model was last asked that has this word in it. */
function asked(word: string): string {
  const requests = model.requests.map(({ body }) => JSON.stringify(body ?? null)).filter((body) => body.includes(word));
  return requests.at(-1) ?? "";
}

test("a session is exported from one server and goes on at another one, with another kind of store", async () => {
  await using from = await startRuntime({}, { model });
  const id = await from.create({ name: "to be moved" });
  await from.turn(
    id,
    prompt("begin", { tools: [bash("printf kept > notes.txt; chmod 755 notes.txt")] }, { text: "it is written" }),
  );
  const answer = await from.request("GET", `/sessions/${id}/export`);
  expect(answer.headers.get("content-type")).toBe("application/gzip");
  const archive = new Uint8Array(await answer.arrayBuffer());
  expect((await from.request("GET", "/sessions/nobody/export")).status).toBe(404);

  await using to = await startRuntime({ persistence: memoryPersistence() }, { model });
  const imported = await importInto(to, archive);
  expect(imported.status).toBe(201);
  expect(await imported.json()).toMatchObject({ sessionId: id, name: "to be moved", runtime: { isLoaded: false } });
  const [before, after] = [await from.state(id), await to.state(id)];
  expect(after.blocks).toEqual(before.blocks);
  expect(after.workspaceFiles).toEqual(before.workspaceFiles);
  const done = await to.turn(
    id,
    prompt("go on", { tools: [bash("stat -c %a notes.txt; cat notes.txt")] }, { text: "it is read" }),
  );
  expect(said(done)).toEqual(["it is written", "it is read"]);
  expect(JSON.stringify(done.blocks)).toContain("755\\nkept");
  expect(asked("go on")).toContain("it is written");

  expect((await importInto(to, archive)).status).toBe(409);
  expect((await importInto(to, archive, { query: "?sessionId=copy&name=mine" })).status).toBe(201);
  const bad = await importInto(to, archive.slice(0, 200), { query: "?sessionId=bad" });
  expect([bad.status, await bad.json()]).toMatchObject([400, { error: "invalid_request" }]);
  expect((await to.request("GET", "/sessions/bad")).status).toBe(404);
  expect((await importInto(to, archive, { query: "?sessionId=bad", archiveBytes: 1000 })).status).toBe(413);
  const unknown = await importInto(to, archive, { query: "?agentProfileRef=nobody&sessionId=other" });
  expect([unknown.status, await unknown.json()]).toMatchObject([422, { error: "unknown_profile" }]);
});

test("a session brings its profile along where it is not known; not what only the operator may say", async () => {
  const secret = { TOKEN: { secret: "GITHUB", hosts: ["api.github.com"] } };
  const profiles = [
    { id: "default", name: "Default" },
    {
      id: "carried",
      name: "Carried",
      agentMDFile: "REMEMBERED on the way",
      tools: ["Bash"],
      environmentVariables: secret,
    },
    { id: "greedy", name: "Greedy", environmentVariables: { TOKEN: { secret: "OTHER", hosts: ["mine.example"] } } },
  ];
  await using from = await startRuntime({ persistence: memoryPersistence({ profiles }) }, { model });
  const exported = async (agentProfileRef: string) => {
    const id = await from.create({ agentProfileRef });
    const answer = await from.request("GET", `/sessions/${id}/export`);
    return { id, archive: new Uint8Array(await answer.arrayBuffer()) };
  };
  const [carried, greedy, plain] = [await exported("carried"), await exported("greedy"), await exported("default")];

  await using to = await startRuntime({ boundSecrets: { GITHUB: ["*.github.com"] } }, { model });
  expect((await importInto(to, carried.archive)).status).toBe(201);
  const { profileVersion, agentProfileReference } = await to.state(carried.id);
  expect(agentProfileReference).toBe("carried");
  expect(profileVersion).toBe((await from.state(carried.id)).profileVersion);
  const done = await to.turn(carried.id, prompt("go on", { tools: [bash('echo "[$TOKEN]"')] }, { text: "gone on" }));
  expect(JSON.stringify(done.blocks)).toContain("[gateway-secret.GITHUB.value]");
  expect(asked("go on")).toContain("REMEMBERED on the way");
  const latest = await to.request("PATCH", `/sessions/${carried.id}/options`, { profileVersion: "latest" });
  expect([latest.status, await latest.json()]).toMatchObject([422, { error: "unknown_profile" }]);
  // And on from here: an archive of an imported session has it too.
  const again = new Uint8Array(await (await to.request("GET", `/sessions/${carried.id}/export`)).arrayBuffer());
  expect((await importInto(to, again, { query: "?sessionId=again" })).status).toBe(201);
  expect((await to.state("again")).profileVersion).toBe(profileVersion);

  const refused = await importInto(to, greedy.archive);
  expect([refused.status, await refused.json()]).toMatchObject([
    403,
    { error: "forbidden", field: "profile.environmentVariables.TOKEN.secret" },
  ]);
  expect((await importInto(to, greedy.archive, { query: "?agentProfileRef=default" })).status).toBe(201);
  // A profile that is known here is what it is here, and the session keeps to that.
  expect((await importInto(to, plain.archive)).status).toBe(201);
  const own = (await (await to.request("GET", "/agent-profiles/default")).json()) as { version: string };
  expect((await to.state(plain.id)).profileVersion).toBe(own.version);
});

test("a transcript of Claude Code becomes a session that the harness goes on with", async () => {
  const persistence = memoryPersistence();
  await using from = await startRuntime({ persistence }, { model });
  const id = await from.create();
  await from.turn(id, prompt("first question", { tools: [bash("printf found")] }, { text: "first answer" }));
  await from.turn(id, prompt("second question", { text: "second answer" }));
  const lines: string[] = [];
  let claude = "";
  for await (const piece of persistence.store.transcript({ tenant: "default", sessionId: id })) {
    lines.push(...piece.lines);
    claude = piece.key;
  }
  const file = Buffer.from(lines.map((line) => `${line}\n`).join(""));

  await using to = await startRuntime({}, { model });
  const imported = await importInto(to, new Uint8Array(file));
  expect([imported.status, await imported.json()]).toMatchObject([
    201,
    { sessionId: claude, type: "claude-agent-sdk" },
  ]);
  const state = await to.state(claude);
  expect(state.blocks.map(({ type }) => type)).toEqual([
    "user_message",
    "tool_use",
    "tool_result",
    "assistant_text",
    "user_message",
    "assistant_text",
  ]);
  expect(state.blocks[1]).toMatchObject({ toolName: "Bash", status: "success" });
  expect(state.blocks[2]).toMatchObject({ content: "found" });
  const done = await to.turn(claude, prompt("third question", { text: "third answer" }));
  expect(said(done)).toEqual(["first answer", "second answer", "third answer"]);
  const request = asked("third question");
  for (const words of ["first question", "first answer", "found", "second answer"]) expect(request).toContain(words);
});
