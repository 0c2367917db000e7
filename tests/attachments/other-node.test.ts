import { script } from "@hhopkins/agent-runtime-testkit";
import { expect, test } from "vitest";
import { startCluster } from "../testing/cluster-under-test.ts";
import { bash, prompt } from "../testing/prompts.ts";
import { fileRequests } from "../files/file-requests.ts";
import { said } from "../testing/runtime-under-test.ts";

test("files of messages, files for the workspace and a schema that are sent to a node that does not run the session reach the one that does, in pieces", async () => {
  await using cluster = await startCluster("postgres");
  const nodes = [await cluster.node("a"), await cluster.node("b")] as const;
  const id = await cluster.create(nodes[0]);
  const path = `/sessions/${id}/message`;
  const slow = script([{ text: "slowly ".repeat(30), chunk: 4, delayMs: 50 }]);
  expect((await nodes[0].request("POST", path, { content: slow })).status).toBe(202);
  await nodes[0].until(id, ({ blocks }) => blocks.some(({ type }) => type === "assistant_text"));

  const text = "words ".repeat(120_000);
  const attachments = [{ name: "long.txt", mediaType: "text/plain", data: Buffer.from(text).toString("base64") }];
  const resultSchema = { type: "object", properties: { count: { type: "number" } }, required: ["count"] };
  const give = { tools: [{ name: "StructuredOutput", input: { count: text.length } }] };
  // One of the two does not run it.
  for (const [index, node] of nodes.entries()) {
    const messageId = `from-${index}`;
    const content = prompt(messageId, { tools: [bash(`wc -c < attachments/${messageId}/long.txt`)] }, give);
    const message = { content, messageId, attachments, resultSchema };
    expect((await node.request("POST", path, message)).status).toBe(202);
    for (const any of nodes) {
      expect((await any.request("POST", path, message)).status).toBe(202);
      expect((await any.request("POST", path, { ...message, attachments: [] })).status).toBe(409);
    }
  }
  // The turn runs still, and whichever node is asked, the one that runs it writes, and all have it.
  const [here, there] = nodes.map(({ url }) => fileRequests(url, fetch));
  const bytes = new Uint8Array(600_000).fill(9);
  for (const [index, files] of [here, there].entries()) {
    expect((await files?.put(id, `put/${index}`, bytes))?.status).toBe(201);
    expect((await files?.put(id, "put", bytes))?.status).toBe(409);
    const other = await (index === 0 ? there : here)?.read(id, `put/${index}`);
    expect((await other?.arrayBuffer())?.byteLength).toBe(bytes.length);
  }
  expect((await there?.remove(id, "put/0"))?.status).toBe(204);
  expect((await here?.remove(id, "put/0"))?.status).toBe(404);

  const done = await nodes[1].until(id, ({ turn, queue }) => turn === null && queue.length === 0);
  expect(said(done)).toHaveLength(1);
  expect(JSON.stringify(done.blocks).match(new RegExp(String(text.length), "g"))?.length).toBeGreaterThanOrEqual(4);
  expect(done.lastTurn).toMatchObject({ status: "completed", result: { count: text.length } });
  for (const [index, node] of nodes.toReversed().entries()) {
    const answer = await node.request("GET", `/sessions/${id}/messages/from-${index}/attachments/long.txt`);
    expect(await answer.text()).toBe(text);
  }
});
