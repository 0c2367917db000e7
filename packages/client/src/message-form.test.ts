import { expect, test } from "vitest";
import { createAgentClient } from "./client.ts";
import { messageBody } from "./message-form.ts";

test("a message without files is JSON; with files it is a form, whose fields say where they go", async () => {
  const resultSchema = { type: "object" };
  expect(messageBody("hi", { messageId: "m", resultSchema })).toEqual({
    json: { content: "hi", messageId: "m", resultSchema },
  });
  const body = messageBody("look", {
    messageId: "m",
    resultSchema,
    attachments: [
      { data: new File(["a"], "a.txt", { type: "text/plain" }) },
      { data: new Blob(["b"], { type: "image/png" }), name: "b.png", to: "model" },
      { data: new Uint8Array([1, 2]), name: "c", mediaType: "image/gif", to: "workspace" },
      { data: new Blob(["d"]) },
    ],
  });
  const entries = "form" in body ? [...body.form] : [];
  const shown = await Promise.all(
    entries.map(async ([field, value]) =>
      typeof value === "string" ? [field, value] : [field, value.name, value.type, (await value.bytes()).length],
    ),
  );
  expect(shown).toEqual([
    ["content", "look"],
    ["messageId", "m"],
    ["resultSchema", '{"type":"object"}'],
    ["files", "a.txt", "text/plain", 1],
    ["model", "b.png", "image/png", 1],
    ["workspace", "c", "image/gif", 2],
    ["files", "file", "", 1],
  ]);
});

test("the client sends the form as it is, and reads what a message came with", async () => {
  const calls: { url: string; type: string | null; body: unknown }[] = [];
  const fetch = (async (url: string, init: RequestInit) => {
    calls.push({ url, type: new Headers(init.headers).get("content-type"), body: init.body });
    return url.endsWith("/message") ? Response.json({ success: true }) : new Response("bytes");
  }) as typeof globalThis.fetch;
  const client = createAgentClient({ baseUrl: "http://x", apiKey: "k", fetch });
  await client.sendMessage("s", "look", { attachments: [{ data: new Blob(["a"]), name: "a" }] });
  const bytes = await client.readAttachment("s", "m", "ä b.txt");
  expect(new TextDecoder().decode(bytes)).toBe("bytes");
  // The type of a form has its boundary, which only `fetch` knows.
  expect(calls).toEqual([
    { url: "http://x/v1/sessions/s/message", type: null, body: expect.any(FormData) },
    { url: "http://x/v1/sessions/s/messages/m/attachments/%C3%A4%20b.txt", type: null, body: undefined },
  ]);
});
