import { CreateSessionBody, Effort, PermissionMode, Architecture } from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { EFFORTS, MODES } from "../session/option-choices.ts";
import { ARCHITECTURES, bodyOf, EMPTY_FORM, nameFrom } from "./new-session-form.ts";

test("what can be chosen is what the protocol has", () => {
  expect(ARCHITECTURES.map(({ value }) => value)).toEqual(Architecture.options);
  expect(EFFORTS).toEqual(Effort.options);
  expect(MODES.map(({ value }) => value).sort()).toEqual([...PermissionMode.options].sort());
});

test("empty fields are left to the profile; all of them together are a body of the protocol", () => {
  expect(bodyOf({ ...EMPTY_FORM, profile: "p" })).toEqual({ agentProfileRef: "p", architecture: "claude-agent-sdk" });
  const full = bodyOf({
    profile: "p",
    architecture: "claude-agent-sdk",
    name: " N ",
    model: " m ",
    effort: "max",
    permissionMode: "plan",
    files: [{ path: "a/b.txt", base64: "aGk=", size: 2 }],
    message: "hello",
  });
  expect(CreateSessionBody.parse(full)).toEqual({
    agentProfileRef: "p",
    architecture: "claude-agent-sdk",
    name: "N",
    sessionOptions: { model: "m", effort: "max", permissionMode: "plan" },
    defaultWorkspaceFiles: [{ path: "a/b.txt", content: "aGk=", encoding: "base64" }],
  });
});

test("a session without a name gets the first line of what is to be done", () => {
  expect(nameFrom({ name: "", message: "  Fix it\nplease" })).toBe("Fix it");
  expect(nameFrom({ name: " ", message: " " })).toBeUndefined();
  expect(nameFrom({ name: "", message: "x".repeat(100) })).toBe(`${"x".repeat(59)}…`);
});
