import type { AgentProfile, AskAnswer } from "@hhopkins/agent-runtime-protocol";
import type { ScriptStep } from "@hhopkins/agent-runtime-testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bash } from "../testing/prompts.ts";
import { profileBench, sent, type PlayedTurn, type ProfileBench } from "./bench.ts";
import { recordFields } from "./field-results.ts";

recordFields("permissions");

const PROFILE: Partial<AgentProfile> = {
  tools: ["Bash", "Write"],
  permissions: { allow: ["Bash(touch free*)"], ask: ["Bash(touch *)", "Write"], deny: ["Bash(touch never*)"] },
};
const ALLOW: AskAnswer = { decision: "allow" };

let bench: ProfileBench;
beforeAll(async () => {
  bench = await profileBench(PROFILE);
});
afterAll(() => bench[Symbol.asyncDispose]());

const write = (path: string) => ({ name: "Write", input: { file_path: `/workspace/${path}`, content: "x" } });

/** Plays the turn, and answers what is asked, one after the other. */
async function answered(on: ProfileBench, answers: readonly AskAnswer[], steps: ScriptStep[]): Promise<PlayedTurn> {
  const over = on.play("Try", ...steps);
  let before = "";
  for (const answer of answers) {
    const { asks } = await on.server.until(on.sessionId, (state) => state.asks.some(({ askId }) => askId !== before));
    before = asks[0]?.askId ?? "";
    const path = `/sessions/${on.sessionId}/asks/${before}/answer`;
    expect((await on.server.request("POST", path, answer)).status).toBe(200);
  }
  return over;
}

const paths = ({ state }: PlayedTurn): string[] => state.workspaceFiles.map(({ path }) => path).toSorted();

test("permissions: what asks is asked, what is denied is refused without a question, all else is done", async () => {
  const turn = await answered(
    bench,
    [ALLOW, { decision: "deny", reason: "Not this one." }, ALLOW],
    [
      { tools: [bash("mkdir made; cp /dev/null made/it")] },
      { tools: [bash("touch asked")] },
      { tools: [bash("touch refused")] },
      { tools: [bash("touch never-ever")] },
      { tools: [write("written")] },
      { text: "done" },
    ],
  );
  expect(paths(turn)).toEqual(["asked", "made/it", "written"]);
  expect(turn.results[2]).toBe("Not this one.");
  expect(turn.results[3]).toMatch(/denied/);
  // The model is told each of it.
  expect(sent(turn.requests.at(-1))).toContain("Not this one.");
});

test("permissions: a rule that allows does not go before one that asks; what the session allows does", async () => {
  const turn = await answered(
    bench,
    [{ decision: "allow", scope: "session" }],
    [{ tools: [bash("touch free1")] }, { tools: [bash("touch free2")] }, { text: "done" }],
  );
  expect(paths(turn)).toEqual(expect.arrayContaining(["free1", "free2"]));
  expect(turn.state.allowedTools).toEqual(["Bash(touch *)"]);
});

test("permissions: with dontAsk, what asks is refused, and what is allowed is done", async () => {
  await using other = await profileBench({
    permissionMode: "dontAsk",
    permissions: { allow: ["Bash(touch free*)"], ask: ["Bash(mkdir *)"] },
  });
  const turn = await answered(
    other,
    [],
    [
      { tools: [bash("touch free1")] },
      { tools: [bash("mkdir asked")] },
      { tools: [bash("touch other")] },
      { text: "done" },
    ],
  );
  expect(paths(turn)).toEqual(["free1"]);
  expect(turn.results.slice(1)).toEqual([expect.stringMatching(/denied/), expect.stringMatching(/denied/)]);
});

test("asks: expiresAfterMs and onExpiry answer what nobody does", async () => {
  await using other = await profileBench({ ...PROFILE, asks: { expiresAfterMs: 300, onExpiry: "allow" } });
  const turn = await other.play("Try", { tools: [bash("touch late")] }, { text: "done" });
  expect(paths(turn)).toEqual(["late"]);
});

test("permissionMode: what no rule allows is asked or refused; the session's mode stands before the profile's, at once", async () => {
  await using other = await profileBench({ tools: ["Read", "Bash(git *)"], permissionMode: "default" });
  const touch = { tools: [bash("touch made.txt")] };
  const first = await answered(other, [{ decision: "deny", reason: "No." }], [touch, { text: "done" }]);
  expect(first.results).toEqual(["No."]);
  const options = `/sessions/${other.sessionId}/options`;
  await other.server.request("PATCH", options, { permissionMode: "bypassPermissions" });
  const second = await other.play("Try", touch, { text: "done" });
  expect(second.results).toEqual(["(Bash completed with no output)"]);
  await other.server.request("PATCH", options, { permissionMode: "dontAsk" });
  const third = await other.play("Try", { tools: [bash("touch other.txt")] }, { text: "done" });
  expect(third.results[0]).toMatch(/don't ask mode/);
  expect(third.state.workspaceFiles.map(({ path }) => path)).toEqual(["made.txt"]);
});

test("permissionMode: in plan work is asked for until the plan is approved, acceptEdits lets files be written in the workspace", async () => {
  const tools = ["Read", "Write(never/**)", "ExitPlanMode", "Bash(git *)"];
  await using other = await profileBench({ tools, permissionMode: "acceptEdits" });
  const options = `/sessions/${other.sessionId}/options`;
  await other.server.request("PATCH", options, { permissionMode: "plan" });
  const exit = { tools: [{ name: "ExitPlanMode", input: { plan: "# Write a.txt" } }] };
  const refused = await answered(
    other,
    [
      { decision: "deny", reason: "Plan first." },
      { decision: "deny", reason: "Not so." },
    ],
    [{ tools: [write("a.txt")] }, exit, { text: "done" }],
  );
  expect(refused.results).toEqual(["Plan first.", "Not so."]);
  expect(refused.state.workspaceFiles).toEqual([]);
  expect(sent(refused.requests[0])).toMatch(/plan mode/i);
  // The profile's own mode follows, for the session too: a change of something else does not bring the plan back.
  const approved = await answered(other, [ALLOW], [exit, { tools: [write("a.txt")] }, { text: "done" }]);
  expect(paths(approved)).toEqual(["a.txt"]);
  expect(approved.state.sessionOptions?.permissionMode).toBe("acceptEdits");
  await other.server.request("PATCH", options, { effort: "low" });
  const edit = await answered(
    other,
    [{ decision: "deny", reason: "No." }],
    [{ tools: [write("b.txt")] }, { tools: [bash("node -e 1")] }, { text: "done" }],
  );
  expect([paths(edit), edit.results[1]]).toEqual([["a.txt", "b.txt"], "No."]);
});
