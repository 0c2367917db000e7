import { AgentProfile } from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { emptyOf, kindOf, titleOf, variantName, variantOf, withField, type JsonSchema } from "./json-schema.ts";

const schema = AgentProfile.toJSONSchema({ io: "input" }) as JsonSchema;
const field = (name: string): JsonSchema => schema.properties![name]!;

test("every field of a profile has a way to be shown, and none is left to raw JSON", () => {
  const kinds = Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, own]) => [name, kindOf(own)]));
  expect(kinds).toMatchObject({
    id: "text",
    systemPrompt: "variants",
    effort: "choice",
    tools: "lines",
    limits: "group",
    skills: "list",
    environmentVariables: "record",
  });
  expect(Object.values(kinds)).not.toContain("json");
});

test("of several forms of a value the one that it has is found, by its fields and what they may be", () => {
  const prompt = field("systemPrompt").anyOf ?? [];
  expect([variantOf("x", prompt), variantOf({ append: "x" }, prompt), variantOf(undefined, prompt)]).toEqual([0, 1, 0]);
  expect(prompt.map(variantName)).toEqual(["text", "append"]);
  const servers = field("externalMCPs").items?.anyOf ?? [];
  const http = { type: "http", name: "a", url: "https://x" };
  expect(variantOf({ name: "a", command: "x" }, servers)).toBe(0);
  expect(variantOf(http, servers)).toBe(1);
  expect(variantOf({ type: "stdio", name: "a", command: "x" }, servers)).toBe(0);
  expect(servers.map(variantName)).toEqual(["command", "type, url"]);
});

test("what is new has what it must have, and no more", () => {
  expect(emptyOf(field("skills").items!)).toEqual({ name: "", description: "", skillMd: "" });
  expect(emptyOf(field("externalMCPs").items!.anyOf![1]!)).toEqual({ type: "http", name: "", url: "" });
  expect(emptyOf(field("limits"))).toEqual({});
  expect(withField({ a: 1, b: 2 }, "a", undefined)).toEqual({ b: 2 });
  expect(Object.keys(withField({ a: 1, b: 2 }, "a", 3))).toEqual(["a", "b"]);
});

test("names of fields as people read them", () => {
  expect(["id", "maxDurationMs", "agentMDFile", "bundledMCPs", "maxCostUSD"].map(titleOf)).toEqual([
    "Id",
    "Max duration ms",
    "Agent MD file",
    "Bundled MCPs",
    "Max cost USD",
  ]);
});
