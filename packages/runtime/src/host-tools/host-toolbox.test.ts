import { describe, expect, test } from "vitest";
import { z } from "zod";
import { checkConfiguration } from "../configuration.ts";
import { createHostToolbox } from "./host-toolbox.ts";
import { tool, type HostTool } from "./tool.ts";

const run = (): string => "done";
const description = "Does it.";
const input = z.object({ orderId: z.string().describe("As on the invoice"), limit: z.number().optional() });
const profile = { id: "p", name: "P" };

test("an agent is told of name, description and schema; a profile may name fewer, and those that are not there are found", () => {
  const toolbox = createHostToolbox({
    lookup: tool({ description, input, run }),
    other: tool({ description, input, run }),
  });
  expect(toolbox.offered(profile).map(({ name }) => name)).toEqual(["lookup", "other"]);
  expect(toolbox.offered({ ...profile, hostTools: ["lookup", "gone"] })).toEqual([
    {
      name: "lookup",
      description,
      inputSchema: {
        type: "object",
        properties: { orderId: { type: "string", description: "As on the invoice" }, limit: { type: "number" } },
        required: ["orderId"],
      },
    },
  ]);
  expect(toolbox.missing({ ...profile, hostTools: ["lookup", "gone"] })).toEqual(["gone"]);
  expect(toolbox.offered({ ...profile, hostTools: [] })).toEqual([]);
  expect([createHostToolbox().offered(profile), createHostToolbox().missing(profile)]).toEqual([[], []]);
});

test("what an agent gives is what the schema takes, not what it makes of it", () => {
  const made = z.object({ at: z.string().transform((text) => text.length), full: z.boolean().default(false) });
  const [offered] = createHostToolbox({ a: tool({ description, input: made, run }) }).offered(profile);
  expect(offered?.inputSchema).toMatchObject({ properties: { at: { type: "string" } }, required: ["at"] });
});

describe("a tool that is no good stops the start, and is named", () => {
  const good = tool({ description, input, run });
  const cases: [string, Record<string, unknown>, string][] = [
    ["a name with a dot", { "shop.lookup": good }, "tools.shop.lookup is no good name"],
    ["a function alone", { lookup: run }, "tools.lookup must be made by tool("],
    ["what tool() was not called with", { lookup: { description, input, run } }, "tools.lookup must be made by tool("],
    ["no description", { lookup: { ...good, description: " " } }, "tools.lookup.description is missing"],
    [
      "a schema of a string",
      { lookup: { ...good, input: z.string() } },
      "tools.lookup.input must be a schema of an object",
    ],
    ["no schema", { lookup: { ...good, input: { type: "object" } } }, "tools.lookup.input must be a Zod schema"],
    [
      "a schema that JSON has no words for",
      { lookup: { ...good, input: z.object({ at: z.date() }) } },
      "tools.lookup.input must be a Zod schema",
    ],
    ["a time that is none", { lookup: { ...good, timeoutMs: 0 } }, "tools.lookup.timeoutMs must be a whole number"],
    ["too much to tell", { lookup: { ...good, description: "x".repeat(600_000) } }, "at most 524288 are taken"],
  ];
  test.each(cases)("%s", (_case, tools, message) => {
    const given = tools as Record<string, HostTool>;
    expect(() => checkConfiguration({ tools: given })).toThrow(
      expect.objectContaining({ code: "invalid_configuration" }),
    );
    expect(() => createHostToolbox(given)).toThrow(message);
  });
});
