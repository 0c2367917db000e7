import { AgentProfile } from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { cleaned, issuesOf, NEW_PROFILE, textOf } from "./profile-draft.ts";

test("empty lines and fields that are not there are left out, at every depth", () => {
  const draft = { id: "a", tools: ["Read", " ", ""], model: undefined, skills: [{ name: "x", npmDependencies: [""] }] };
  expect(cleaned(draft)).toEqual({ id: "a", tools: ["Read"], skills: [{ name: "x", npmDependencies: [] }] });
  expect(JSON.parse(textOf(draft))).toEqual(cleaned(draft));
});

test("a new profile lacks no more than its id and its name", () => {
  expect(AgentProfile.safeParse({ ...NEW_PROFILE, id: "a", name: "A" }).success).toBe(true);
});

test("what the server says of its request's body is said of the form's fields", () => {
  const issues = [
    { field: "body.skills.0.name", message: "must be short" },
    { field: "body.skills.0.name", message: "must be clear" },
    { field: "body", message: "is wrong" },
  ];
  expect([...issuesOf(issues)]).toEqual([
    ["skills.0.name", "must be short; must be clear"],
    ["", "is wrong"],
  ]);
});
