import { createHash } from "node:crypto";
import { ERROR_CODES } from "@hhopkins/agent-runtime-protocol";
import { beforeAll, describe, expect, test } from "vitest";
import { MemorySessions } from "../../testing/memory-sessions.ts";
import { KEY, twoTenants } from "../../testing/serving.ts";
import { createRestApp } from "../app.ts";
import type { RestRouter } from "../environment.ts";
import { anchorOf, operationsOf, type ApiDocument, type PlacedOperation } from "./document.ts";
import { exampleOf } from "./examples.ts";
import { referencePage } from "./page.ts";

let app: RestRouter;
let document: ApiDocument;
let operations: PlacedOperation[];
let response: Response;
let page: string;

beforeAll(async () => {
  app = createRestApp({ service: new MemorySessions(), authenticate: twoTenants });
  document = (await (await app.fetch(new Request("http://x/openapi.json"))).json()) as ApiDocument;
  operations = operationsOf(document);
  response = await app.fetch(new Request("http://x/docs"));
  page = await response.text();
});

const matches = (pattern: RegExp, text = page): string[] => [...text.matchAll(pattern)].map(([, found = ""]) => found);

describe("the page", () => {
  test("has every operation at an anchor of its own, every error code and every schema; no link leads nowhere", () => {
    const ids = matches(/ id="([^"]+)"/g);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(expect.arrayContaining(operations.map(anchorOf)));
    expect(ids).toEqual(expect.arrayContaining(Object.keys(ERROR_CODES).map((code) => `error-${code}`)));
    expect(ids).toContain("schema-SessionState");
    expect(matches(/<a [^>]*href="#([^"]+)"/g).filter((id) => !ids.includes(id))).toEqual([]);
    expect(anchorOf({ method: "post", path: "/sessions/{id}/asks/{askId}/answer" })).toBe(
      "post-sessions-id-asks-askId-answer",
    );
  });

  test("runs nothing but its own script, and takes nothing from elsewhere", () => {
    const hash = (tag: string): string => {
      const [text = ""] = matches(new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`, "g"));
      return `sha256-${createHash("sha256").update(text).digest("base64")}`;
    };
    expect(response.headers.get("content-security-policy")).toBe(
      `default-src 'none'; style-src '${hash("style")}'; script-src '${hash("script")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
    expect(matches(/<script(?!>)/g)).toEqual([]);
    expect(matches(/<[^>]+ (?:style|on\w+)=/g)).toEqual([]);
    expect(matches(/(?:src|href)="(?!#)([^"]+)"/g)).toEqual(["openapi.json"]);
  });

  test("says of an operation what it takes, answers and refuses with", () => {
    const [section = ""] = matches(/<section id="get-sessions"([\s\S]*?)<\/section>/g);
    const words = section.replace(/<[^>]+>/g, " ").replace(/\s+/g, " ");
    expect(words).toContain("limit query, optional integer at least 1, at most 500, default 50");
    expect(words).toMatch(/200 A page ListSessionsAnswer fields sessions list of object/);
    expect(words).toMatch(
      /activity optional &quot;idle&quot; \| &quot;queued&quot; \| &quot;running&quot; \| &quot;waiting&quot;/,
    );
    expect(words).toContain("400 invalid_request 401 unauthorized");
  });

  test("is compressed for whoever takes that", async () => {
    const headers = { "accept-encoding": "gzip" };
    const packed = await app.fetch(new Request("http://x/docs", { headers }));
    expect(packed.headers.get("content-encoding")).toBe("gzip");
    expect((await packed.arrayBuffer()).byteLength).toBeLessThan(page.length / 5);
  });

  test("shows a document that is hostile, or refers to itself, as what it is", () => {
    const node = { type: "object", properties: { next: { $ref: "#/components/schemas/Node" } } };
    const { html } = referencePage({
      paths: {
        "/a": {
          get: {
            summary: "<script>alert(1)</script>",
            responses: {
              200: {
                description: '"><img src=x>',
                content: { "application/json": { schema: { $ref: "#/components/schemas/Node" } } },
              },
            },
          },
        },
      },
      components: { schemas: { Node: node } },
    });
    expect(html).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(html).not.toContain("<img");
    expect(matches(/<section id="get-a"([\s\S]*?)<\/section>/g, html)[0]).toContain('href="#schema-Node"');
  });
});

test("what the examples send is taken", async () => {
  for (const operation of operations) {
    const { body } = exampleOf(operation);
    const type = operation.operation.requestBody?.content["application/json"];
    expect([anchorOf(operation), body !== undefined]).toEqual([anchorOf(operation), type !== undefined]);
    if (body === undefined) continue;
    const path = operation.path.replaceAll(/\{\w+\}/g, "none");
    const answer = await app.fetch(
      new Request(`http://x${path}`, {
        method: operation.method.toUpperCase(),
        headers: { "x-api-key": KEY, "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
    );
    expect([anchorOf(operation), [400, 405, 415].includes(answer.status)]).toEqual([anchorOf(operation), false]);
  }
});

test("the shell gets what it runs: method, key, body, and what stands for ids", () => {
  const send = operations.find(({ path }) => path === "/sessions/{id}/message")!;
  expect(exampleOf(send).curl).toBe(
    [
      'curl -X POST "$URL/v1/sessions/$SESSION/message" \\',
      '  -H "Authorization: Bearer $KEY" \\',
      '  -H "Content-Type: application/json" \\',
      `  -d '{"content":"Write a haiku into haiku.md","messageId":"msg-1"}'`,
    ].join("\n"),
  );
  for (const { path, method, operation } of operations) {
    const { curl } = exampleOf({ path, method, operation });
    expect([path, curl.includes("{") && !curl.includes("-d '{")]).toEqual([path, false]);
    expect([path, curl.includes("'{") ? curl.split("'").length : 3]).toEqual([path, 3]);
  }
});
