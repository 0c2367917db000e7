import type { Attachment, SessionState } from "@hhopkins/agent-runtime";
import type { ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PDF, PICTURES } from "../testing/pictures.ts";
import { bash, prompt } from "../testing/prompts.ts";
import { API_KEY, errors, said, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";
import { logOf, turnEnds } from "../testing/session-log.ts";

const CSV = "name,price\npen,1\n";

let bench: RuntimeUnderTest;
beforeAll(async () => {
  bench = await startRuntime();
});
afterAll(() => bench[Symbol.asyncDispose]());

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const csv = { name: "prices.csv", mediaType: "text/csv", data: base64(CSV) };
const png = { name: "dot.png", mediaType: "image/png", data: PICTURES.png };
const idle = (id: string) => bench.until(id, ({ turn, queue }) => turn === null && queue.length === 0);

interface Source {
  readonly type: string;
  readonly title?: string;
  readonly source?: { readonly media_type: string; readonly data: string };
}

/** Pictures and documents that the model was sent last in a request with this word in it. */
function seen(word: string, model: ScriptedModel = bench.model): Source[] {
  const body = model.requests.findLast((request) => JSON.stringify(request.body ?? null).includes(word))?.body;
  const { messages } = body as { messages: { content: string | Source[] }[] };
  return messages
    .flatMap(({ content }) => (typeof content === "string" ? [] : content))
    .filter(({ type }) => type === "image" || type === "document");
}

function attached(state: SessionState, messageId: string): readonly Attachment[] {
  const block = state.blocks.find(({ id }) => id === messageId);
  return block?.type === "user_message" ? (block.attachments ?? []) : [];
}

async function bytesOf(path: string): Promise<Buffer> {
  const response = await bench.request("GET", path);
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

async function sendForm(id: string, entries: [string, string | File][]): Promise<Response> {
  const form = new FormData();
  for (const [name, value] of entries) form.append(name, value);
  const written = new Response(form);
  const headers = {
    authorization: `Bearer ${API_KEY}`,
    "content-type": written.headers.get("content-type") ?? "",
  };
  const body = await written.arrayBuffer();
  const rest = bench.runtime.createRestServer({ apiKey: API_KEY });
  return rest.fetch(new Request(`http://runtime.test/sessions/${id}/message`, { method: "POST", headers, body }));
}

describe("a message with files", () => {
  test("pictures and PDFs are seen by the model, other files lie in the workspace, and the bytes of all can be read", async () => {
    const id = await bench.create();
    const content = prompt("look", { tools: [bash("cat attachments/first/prices.csv")] }, { text: "seen" });
    const attachments = [
      png,
      csv,
      { name: "dot.gif", mediaType: "image/gif", data: PICTURES.gif },
      { name: "dot.webp", mediaType: "image/webp", data: PICTURES.webp },
      { name: "paper.pdf", mediaType: "application/pdf", data: PDF },
      { ...png, name: "dot.png", to: "workspace" },
      { name: "empty", mediaType: "text/plain", data: "" },
    ];
    expect((await bench.send(id, content, { messageId: "first", attachments })).status).toBe(202);
    const done = await idle(id);
    expect(said(done)).toEqual(["seen"]);

    const sources = seen("look").map(({ type, source }) => [type, source?.media_type, source?.data]);
    expect(sources).toEqual([
      ["image", "image/png", PICTURES.png],
      ["image", "image/gif", PICTURES.gif],
      ["image", "image/webp", PICTURES.webp],
      ["document", "application/pdf", PDF],
    ]);
    expect(JSON.stringify(bench.model.requests.at(-1)?.body)).toContain(
      "attachments/first/prices.csv (text/csv, 17 bytes)",
    );
    expect(JSON.stringify(done.blocks)).toContain("pen,1");

    const paths = ["attachments/first/dot-2.png", "attachments/first/empty", "attachments/first/prices.csv"];
    expect(done.workspaceFiles.map(({ path }) => path).toSorted()).toEqual(paths);
    expect((await bytesOf(`/sessions/${id}/files/${paths[0]}`)).toString("base64")).toBe(PICTURES.png);
    const known = attached(done, "first");
    expect(known.map(({ name, path }) => [name, path])).toEqual([
      ["dot.png", undefined],
      ["prices.csv", paths[2]],
      ["dot.gif", undefined],
      ["dot.webp", undefined],
      ["paper.pdf", undefined],
      ["dot-2.png", paths[0]],
      ["empty", paths[1]],
    ]);
    for (const { name, size, sha256 } of known) {
      const bytes = await bytesOf(`/sessions/${id}/messages/first/attachments/${name}`);
      expect([bytes.length, createHash("sha256").update(bytes).digest("hex")]).toEqual([size, sha256]);
    }
    const picture = await bench.request("GET", `/sessions/${id}/messages/first/attachments/dot.png`);
    expect(picture.headers.get("content-type")).toBe("image/png");
    for (const path of ["first/attachments/none", "nobody/attachments/dot.png"])
      expect((await bench.request("GET", `/sessions/${id}/messages/${path}`)).status).toBe(404);
    // Never in the log.
    expect(JSON.stringify(await logOf(bench, id))).not.toContain(PICTURES.png);
  });

  test("a form of a browser is the same message, with the fields that say where its files go", async () => {
    const id = await bench.create();
    const file = (name: string, type: string) => new File([Buffer.from(PICTURES.png, "base64")], name, { type });
    const sent = await sendForm(id, [
      ["content", prompt("form", { text: "taken" })],
      ["messageId", "form"],
      ["files", file("dot.png", "image/png")],
      ["workspace", file("kept.png", "image/png")],
      ["model", file("shown.png", "image/png")],
      ["files", new File(["plain"], "Übersicht 1.txt", { type: "text/plain;charset=utf-8" })],
      ["files", new File(["?"], "no type", {})],
    ]);
    expect([sent.status, await sent.json()]).toEqual([202, expect.objectContaining({ messageId: "form" })]);
    const done = await idle(id);
    expect(attached(done, "form").map(({ name, mediaType, path }) => [name, mediaType, path])).toEqual([
      ["dot.png", "image/png", undefined],
      ["kept.png", "image/png", "attachments/form/kept.png"],
      ["shown.png", "image/png", undefined],
      ["Übersicht 1.txt", "text/plain", "attachments/form/Übersicht 1.txt"],
      ["no type", "application/octet-stream", "attachments/form/no type"],
    ]);
    expect(seen("form")).toHaveLength(2);
    const path = `/sessions/${id}/messages/form/attachments/${encodeURIComponent("Übersicht 1.txt")}`;
    expect((await bytesOf(path)).toString()).toBe("plain");
    for (const [entries, field] of [
      [
        [
          ["content", "hello"],
          ["other", file("a.png", "image/png")],
        ],
        "body.other",
      ],
      [
        [
          ["content", "hello"],
          ["files", "a text"],
        ],
        "body.files",
      ],
      [
        [
          ["content", "hello"],
          ["content", "again"],
        ],
        "body.content",
      ],
      [[["content", file("a.png", "image/png")]], "body.content"],
      [[["files", file("a.png", "image/png")]], "body.content"],
      [
        [
          ["content", "hello"],
          ["resultSchema", "{"],
        ],
        "body.resultSchema",
      ],
      [
        [
          ["content", "hello"],
          ["resultSchema", `{"a":${"[".repeat(10_000)}${"]".repeat(10_000)}}`],
        ],
        "body.resultSchema",
      ],
      [
        [
          ["content", "hello"],
          ["files", new File(["x"], "../up", {})],
        ],
        "body.attachments.0.name",
      ],
    ] as [[string, string | File][], string][]) {
      const refused = await sendForm(id, entries);
      expect([refused.status, await refused.json()]).toEqual([400, expect.objectContaining({ field })]);
    }
  });

  test("what it comes with is part of the message; nothing that lies there is written over", async () => {
    const id = await bench.create();
    const content = prompt("once", { tools: [bash("echo mine > attachments/same/prices.csv")] }, { text: "done" });
    const message = { messageId: "same", attachments: [csv] };
    expect((await bench.send(id, content, message)).status).toBe(202);
    expect((await bench.send(id, content, message)).status).toBe(202);
    for (const other of [[{ ...csv, data: base64("other") }], [{ ...csv, name: "b.csv" }], []]) {
      const refused = await bench.send(id, content, { ...message, attachments: other });
      expect([refused.status, await refused.json()]).toEqual([409, expect.objectContaining({ error: "conflict" })]);
    }
    await idle(id);
    await bench.send(id, prompt("more", { text: "again" }), { messageId: "next", attachments: [csv] });
    const done = await idle(id);
    expect(Object.fromEntries(done.workspaceFiles.map(({ path, content: text }) => [path, text]))).toEqual({
      "attachments/next/prices.csv": CSV,
      "attachments/same/prices.csv": "mine\n",
    });
    expect(await turnEnds(bench, id)).toEqual(["completed", "completed"]);
  });

  test("where a file cannot be laid, the turn fails and says so, and the session goes on", async () => {
    const id = await bench.create();
    await bench.turn(id, prompt("block", { tools: [bash("echo x > attachments")] }, { text: "blocked" }));
    await bench.send(id, prompt("vain", { text: "never" }), { attachments: [csv] });
    const failed = await idle(id);
    expect(failed.lastTurn).toMatchObject({ status: "failed", error: { code: "attachment_failed" } });
    expect(failed.lastTurn?.error?.message).toContain("prices.csv");
    expect(errors(failed)).toEqual(["attachment_failed"]);
    await bench.send(id, prompt("eyes", { text: "seen all the same" }), { attachments: [png] });
    expect(said(await idle(id)).at(-1)).toBe("seen all the same");
  });

  test("a turn that runs takes it with what it comes with", async () => {
    const id = await bench.create();
    const steps = [{ tools: [bash("touch begun; sleep 3")] }, { text: "as planned" }];
    await bench.send(id, prompt("work", ...steps), { messageId: "work" });
    await bench.until(id, ({ workspaceFiles }) => workspaceFiles.some(({ path }) => path === "begun"));
    const steered = prompt("steered", { text: "as you show" });
    await bench.send(id, steered, { messageId: "steer", mode: "steer", attachments: [png, csv] });
    const done = await idle(id);
    expect(said(done)).toEqual(["as you show"]);
    expect(attached(done, "steer").map(({ name }) => name)).toEqual(["dot.png", "prices.csv"]);
    expect(seen("steered").map(({ source }) => source?.data)).toEqual([PICTURES.png]);
    expect(done.workspaceFiles.map(({ path }) => path)).toContain("attachments/steer/prices.csv");
    expect(await turnEnds(bench, id)).toEqual(["completed"]);
  });
});

describe("what is refused", () => {
  const of = (more: object) => [{ ...csv, ...more }];
  test.each([
    [of({ name: "../../etc/passwd" }), "body.attachments.0.name", "without /"],
    [of({ name: "a\\b" }), "body.attachments.0.name", "without /"],
    [of({ name: ".." }), "body.attachments.0.name", "name of a file"],
    [of({ name: "" }), "body.attachments.0.name", "empty"],
    [of({ name: "a\0b" }), "body.attachments.0.name", "control characters"],
    [of({ name: "\ud800" }), "body.attachments.0.name", "halves"],
    [of({ name: "ü".repeat(101) }), "body.attachments.0.name", "200 bytes"],
    [of({ mediaType: "csv" }), "body.attachments.0.mediaType", "media type"],
    [of({ data: "not base64!" }), "body.attachments.0.data", "base64"],
    [of({ to: "model" }), "body.attachments.0.to", "text/csv cannot go to the model"],
    [[csv, { ...csv, name: "b.png", mediaType: "image/png" }], "body.attachments.1.mediaType", "are not image/png"],
    [of({ mediaType: "image/jpeg", data: "" }), "body.attachments.0.mediaType", "are not image/jpeg"],
    [of({ size: 3 }), "body.attachments.0.size", "unknown field"],
    [Array.from({ length: 21 }, () => csv), "body.attachments", "20"],
  ])("%j", async (attachments, field, words) => {
    const id = await bench.create();
    const response = await bench.send(id, "hello", { attachments });
    const problem = (await response.json()) as { field: string; detail: string };
    expect([response.status, problem.field]).toEqual([400, field]);
    expect(problem.detail).toContain(words);
    expect((await bench.state(id)).queue).toEqual([]);
  });

  test("a body above the limit, as JSON and as a form, by what it says and by what it is", async () => {
    const id = await bench.create();
    const large = "x".repeat(8 * 1024 * 1024);
    const responses = [
      await bench.send(id, "hello", { attachments: [{ ...csv, data: base64(large) }] }),
      await sendForm(id, [
        ["content", "hello"],
        ["files", new File([large, large], "large.txt")],
      ]),
    ];
    for (const response of responses) {
      expect([response.status, await response.json()]).toEqual([
        413,
        expect.objectContaining({ error: "payload_too_large", detail: expect.stringContaining("10485760") }),
      ]);
    }
  });
});
