import { expect, test } from "vitest";
import { contentOf, fieldsOf } from "./elicitation-fields.ts";

const schema = {
  type: "object",
  required: ["seats", "name"],
  properties: {
    seats: { type: "integer", title: "Seats", minimum: 1, maximum: 4 },
    name: { type: "string", minLength: 2, description: "of the guest" },
    mail: { type: "string", format: "email" },
    at: { type: "string", format: "date-time" },
    price: { type: "number", default: 9.5 },
    window: { type: "boolean", default: true },
    class: { type: "string", enum: ["1", "2"], enumNames: ["First", "Second"] },
    meal: { type: "string", oneOf: [{ const: "veg", title: "Vegetarian" }, { const: "any" }] },
    extras: { type: "array", items: { anyOf: [{ const: "bike", title: "A bike" }, { const: "dog" }] }, maxItems: 1 },
  },
};
const fields = fieldsOf(schema) ?? [];

test("a schema's fields, each with what a form needs", () => {
  expect(
    fields.map(({ name, label, kind, inputType, isRequired }) => [name, label, kind, inputType, isRequired]),
  ).toEqual([
    ["seats", "Seats", "integer", "text", true],
    ["name", "name", "text", "text", true],
    ["mail", "mail", "text", "email", false],
    ["at", "at", "text", "datetime-local", false],
    ["price", "price", "number", "text", false],
    ["window", "window", "boolean", "text", false],
    ["class", "class", "choice", "text", false],
    ["meal", "meal", "choice", "text", false],
    ["extras", "extras", "choices", "text", false],
  ]);
  expect(fields.map(({ options }) => options.map(({ label }) => label)).filter((labels) => labels.length > 0)).toEqual([
    ["First", "Second"],
    ["Vegetarian", "any"],
    ["A bike", "dog"],
  ]);
  expect(fields.map(({ initial }) => initial)).toEqual(["", "", "", "", "9.5", true, "", "", []]);
});

test("what was filled in has the schema's types, and what was not is left out", () => {
  const values = { seats: "2", name: "Kim", at: "2026-01-01T10:00", window: false, class: "2", extras: ["bike"] };
  expect(contentOf(fields, values)).toEqual({
    errors: {},
    content: {
      seats: 2,
      name: "Kim",
      at: new Date("2026-01-01T10:00").toISOString(),
      price: 9.5,
      window: false,
      class: "2",
      extras: ["bike"],
    },
  });
});

test("what is wrong is said at its field", () => {
  const { errors } = contentOf(fields, { seats: "2.5", name: "", price: "dear", extras: ["bike", "dog"] });
  expect(errors).toEqual({
    seats: "It must be a whole number.",
    name: "name is needed.",
    price: "It must be a number.",
    extras: "It must have at most 1 of them.",
  });
  expect(contentOf(fields, { seats: "0", name: "K" }).errors).toEqual({
    seats: "It must be at least 1.",
    name: "It must have at least 2 characters.",
  });
  expect(contentOf(fields, { seats: "5", name: "Kim" }).errors).toEqual({ seats: "It must be at most 4." });
});

test.each([undefined, "text", { properties: 1 }, { properties: { a: { type: "object" } } }, { properties: { a: 1 } }])(
  "a schema that no form can ask for: %j",
  (odd) => expect(fieldsOf(odd)).toBeUndefined(),
);
