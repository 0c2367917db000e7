import { memoryPersistence } from "@hhopkins/agent-runtime/persistence/memory";
import { expect, test } from "vitest";
import { nineMethodAdapter } from "../contract/nine-methods.ts";
import { PICTURES } from "../testing/pictures.ts";
import { bash, prompt } from "../testing/prompts.ts";
import { API_KEY, said, startRuntime } from "../testing/runtime-under-test.ts";
import { logOf } from "../testing/session-log.ts";
import { startServerProcess, type ServerProcess } from "../testing/server-process.ts";
import { modelAndFolder } from "../testing/model-and-folder.ts";

const TEXT = "many words ".repeat(60_000);
const ATTACHMENTS = [
  { name: "dot.png", mediaType: "image/png", data: PICTURES.png },
  { name: "long.txt", mediaType: "text/plain", data: Buffer.from(TEXT).toString("base64") },
];

const at = modelAndFolder();

/** What the model was asked last with this word in it. */
function asked(word: string): string {
  const bodies = at.model.requests.map(({ body }) => JSON.stringify(body ?? null));
  return bodies.findLast((body) => body.includes(word)) ?? "";
}

async function create(server: ServerProcess): Promise<string> {
  const body = { agentProfileRef: "default", architecture: "claude-agent-sdk" };
  return ((await (await server.request("POST", "/sessions/create", body)).json()) as { sessionId: string }).sessionId;
}

test("a message that waits keeps what it comes with through the kill of its server", async () => {
  const options = { folder: at.folder, modelUrl: at.model.url };
  const first = await startServerProcess(options);
  const id = await create(first);
  const path = `/sessions/${id}/message`;
  const resultSchema = { type: "object", properties: { answer: { type: "number" } }, required: ["answer"] };
  const give = { tools: [{ name: "StructuredOutput", input: { answer: 4 } }] };
  const content = prompt("work", { tools: [bash("sleep 2")] }, { text: "worked", ...give });
  await first.request("POST", path, { content, resultSchema });
  const waits = {
    content: prompt("waits", { tools: [bash("wc -c < attachments/waits/long.txt")] }, { text: "counted" }),
    messageId: "waits",
    attachments: ATTACHMENTS,
  };
  expect((await first.request("POST", path, waits)).status).toBe(202);
  await first.end("SIGKILL");
  await using second = await startServerProcess(options);
  const early = await second.request("GET", `/sessions/${id}/messages/waits/attachments/long.txt`);
  expect(await early.text()).toBe(TEXT);
  expect((await second.request("POST", path, waits)).status).toBe(202);
  const done = await second.until(id, ({ turn, queue }) => turn === null && queue.length === 0);
  expect(said(done)).toEqual(["worked", "counted"]);
  // What ran when its server was killed has its result all the same.
  const ends = (await logOf(second, id)).filter(({ type }) => type === "session:turn:completed");
  expect(ends).toMatchObject([{ data: { result: { answer: 4 } } }, { data: { status: "completed" } }]);
  expect(asked("waits")).toContain(PICTURES.png);
  expect(JSON.stringify(done.blocks)).toContain(String(TEXT.length));
});

test("a store of nine methods keeps it with the transcript: after a restart the message is delivered whole", async () => {
  const persistence = nineMethodAdapter();
  const first = await startRuntime({ persistence }, { dataDir: at.folder, model: at.model });
  const id = await first.create();
  await first.send(id, prompt("work", { tools: [bash("sleep 600")] }, { text: "worked" }));
  await first.until(id, ({ streamingBlockIds, blocks }) => blocks.length > 1 || streamingBlockIds.length > 0);
  const content = prompt("waits", { tools: [bash("wc -c < attachments/waits/long.txt")] }, { text: "counted" });
  const sent = await first.send(id, content, { messageId: "waits", attachments: ATTACHMENTS });
  expect(sent.status).toBe(202);
  await first.runtime.shutdown();

  const copy = nineMethodAdapter();
  for (const [sessionId, session] of persistence.sessions) copy.sessions.set(sessionId, structuredClone(session));
  await using second = await startRuntime({ persistence: copy }, { dataDir: at.folder, model: at.model });
  await second.request("POST", `/sessions/${id}/interrupt`);
  const done = await second.until(id, ({ turn, queue }) => turn === null && queue.length === 0);
  expect(said(done).at(-1)).toBe("counted");
  expect(asked("waits")).toContain(PICTURES.png);
  expect(JSON.stringify(done.blocks)).toContain(String(TEXT.length));
  const bytes = await second.request("GET", `/sessions/${id}/messages/waits/attachments/long.txt`);
  expect(await bytes.text()).toBe(TEXT);
});

test("an archive has it, and where it is imported the same message counts once", async () => {
  await using from = await startRuntime({}, { model: at.model });
  const id = await from.create();
  const content = prompt("look", { text: "seen" });
  const message = { messageId: "look", attachments: ATTACHMENTS };
  await from.send(id, content, message);
  await from.until(id, ({ turn, queue }) => turn === null && queue.length === 0);
  const archive = await (await from.request("GET", `/sessions/${id}/export`)).arrayBuffer();
  await using to = await startRuntime({ persistence: memoryPersistence() }, { model: at.model });
  const headers = { authorization: `Bearer ${API_KEY}`, "content-type": "application/octet-stream" };
  const rest = to.runtime.createRestServer({ apiKey: API_KEY });
  const request = new Request("http://runtime.test/sessions/import", { method: "POST", headers, body: archive });
  expect((await rest.fetch(request)).status).toBe(201);
  const picture = await to.request("GET", `/sessions/${id}/messages/look/attachments/dot.png`);
  expect(Buffer.from(await picture.arrayBuffer()).toString("base64")).toBe(PICTURES.png);
  expect((await to.send(id, content, message)).status).toBe(202);
  expect((await to.send(id, content, { ...message, attachments: [] })).status).toBe(409);
  expect((await to.state(id)).queue).toEqual([]);
});
