import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { describe, expect, test } from "vitest";
import { assertResultSchema, resultProblem } from "./result-schema.ts";

const of = (properties: Record<string, unknown>, more = {}) => ({ type: "object", properties, ...more });

function refusal(schema: Record<string, unknown>): string {
  try {
    assertResultSchema(schema, "body.resultSchema");
  } catch (error) {
    if (error instanceof RuntimeError && error.code === "invalid_request") return error.message;
    throw error;
  }
  return "taken";
}

describe("assertResultSchema", () => {
  test.each([
    [of({ a: { type: "nmber" } }), /^body\.resultSchema\.properties\.a\.type: /],
    [of({ a: 4 }), /^body\.resultSchema\.properties\.a: must be object,boolean/],
    [of({ a: { type: "number" } }, { required: "a" }), /^body\.resultSchema\.required: must be array/],
    [of({ a: { type: "number", foo: 1 } }), /^body\.resultSchema: .*unknown keyword: "foo"/],
    [of({ a: { prefixItems: [] } }), /unknown keyword: "prefixItems"/],
    [
      of({ a: { $ref: "https://example.test/a.json" } }),
      /^body\.resultSchema\.properties\.a\.\$ref: must begin with "#"/,
    ],
    [of({ a: { $ref: "#/$defs/gone" } }), /can't resolve reference/],
    [of({ a: { type: "string", pattern: "(" } }), /Invalid regular expression|must match format|pattern/],
    [{ ...of({}), $async: true }, /^body\.resultSchema\.\$async/],
  ])("refuses %j and names the place", (schema, message) => {
    expect(refusal(schema)).toMatch(message);
  });

  test.each([
    of({ a: { type: "number" } }, { $schema: "https://json-schema.org/draft/2020-12/schema" }),
    of({ a: { $ref: "#/$defs/a" } }, { $defs: { a: { type: ["string", "null"], format: "email" } } }),
    of({ a: { anyOf: [{ const: 1 }, { type: "array", items: { enum: ["x"] } }] } }, { additionalProperties: false }),
  ])("takes %j", (schema) => {
    expect(refusal(schema)).toBe("taken");
  });
});

describe("resultProblem", () => {
  const schema = of({ list: { type: "array", items: of({ price: { type: "number" } }, { required: ["price"] }) } });

  test("says where a result does not fit", () => {
    expect(resultProblem(schema, { list: [{ price: 1 }] })).toBeNull();
    expect(resultProblem(schema, { list: [{ price: 1 }, { price: "2" }] })).toBe("/list/1/price: must be number");
    expect(resultProblem(schema, { list: [{}] })).toBe("/list/0: must have required property 'price'");
    expect(resultProblem(schema, [])).toBe("/: must be object");
    expect(resultProblem(schema, undefined)).toBe("there is none");
    expect(resultProblem(of({}), { text: "x".repeat(70_000) })).toContain("65536");
  });

  test("does not hold up the process, whatever the pattern", () => {
    const evil = of({ a: { type: "string", pattern: "^(a+)+$" } });
    expect(refusal(evil)).toBe("taken");
    expect(resultProblem(evil, { a: `${"a".repeat(40)}!` })).toBe("it takes too long to be checked");
  });
});
