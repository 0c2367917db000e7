import type { EntryBody } from "@hhopkins/agent-runtime-protocol";
import { script } from "@hhopkins/agent-runtime-testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { HarnessMessage, TurnEnd } from "../architecture.ts";
import { checkBlocks, outline } from "./testing/block-rules.ts";
import { drive, type DrivenHarness } from "./testing/driven-harness.ts";

let one: DrivenHarness;
beforeAll(async () => {
  one = await drive();
});
afterAll(async () => {
  await one[Symbol.asyncDispose]();
});

const bash = (command: string) => ({ name: "Bash", input: { command, description: "Wait" } });
const message = (messageId: string, text: string): HarnessMessage => ({ messageId, content: script([{ text }]) });

interface Played {
  readonly from: number;
  readonly end: Promise<TurnEnd>;
  taken(): string[];
  said(): string[];
}

function play(turnId: string, content: string): Played {
  const from = one.bodies.length;
  const end = one.harness.runTurn({ turnId, messages: [{ messageId: turnId, content }] });
  const bodies = () => one.bodies.slice(from);
  return {
    from,
    end,
    taken: () =>
      bodies().flatMap((body) => (body.kind === "message:taken" ? [`${body.turnId} ${body.messageId}`] : [])),
    said: () => outline(checkBlocks(bodies()).get("main")).filter((line) => line.startsWith("assistant_text")),
  };
}

/** Resolves when the turn's tool runs, so that what is offered goes to the harness at once. */
async function toolRuns(from: number): Promise<void> {
  const isTool = (body: EntryBody) => body.kind === "block:complete" && body.block.type === "tool_use";
  await one.seen((body) => isTool(body) && one.bodies.indexOf(body) >= from);
  await new Promise((resolve) => setImmediate(resolve));
}

test("a message is folded in when a tool has returned, and said to be taken after its result", async () => {
  const turn = play("fold", script([{ tools: [bash("sleep 1")] }, { text: "never said" }]));
  await toolRuns(turn.from);
  one.harness.steering?.offer(message("by-the-way", "heard"));
  expect((await turn.end).status).toBe("completed");
  expect([turn.taken(), turn.said()]).toEqual([["fold by-the-way"], ["assistant_text: heard"]]);
  const kinds = one.bodies.slice(turn.from).flatMap((body) => {
    if (body.kind === "block:complete") return [body.block.type];
    return body.kind === "message:taken" ? ["taken"] : [];
  });
  expect(kinds).toEqual(["tool_use", "tool_result", "taken", "assistant_text"]);
});

test("without a tool after it, it is not taken: the turn ends, and a turn of its own has it", async () => {
  const turn = play("plain", script([{ text: "word ".repeat(60), delayMs: 20 }]));
  await one.seen((body) => body.kind === "block:delta" && one.bodies.indexOf(body) >= turn.from);
  one.harness.steering?.offer(message("later", "on its own"));
  expect((await turn.end).status).toBe("completed");
  expect(turn.taken()).toEqual([]);
  const own = one.bodies.length;
  await one.harness.runTurn({ turnId: "own", messages: [message("later", "on its own")] });
  expect(outline(checkBlocks(one.bodies.slice(own)).get("main"))).toEqual(["assistant_text: on its own"]);
});

test("a turn that goes on with subagents in the background alone takes a message at once", async () => {
  const wait = "for n in $(seq 600); do if [ -e heard ]; then exit 0; fi; sleep 0.1; done; exit 1";
  const prompt = script([{ tools: [bash(wait)] }, { text: "Helped." }]);
  const input = { description: "Help", subagent_type: "general-purpose", run_in_background: true, prompt };
  const turn = play("rest", script([{ tools: [{ name: "Agent", input }] }, { text: "Launched." }]));
  // The main conversation's part is over.
  await one.seen((body) => body.kind === "usage" && one.bodies.indexOf(body) >= turn.from);
  // Only what it does lets the subagent end.
  const content = script([{ tools: [bash("touch heard")] }, { text: "Heard." }, { text: "It is back." }]);
  one.harness.steering?.offer({ messageId: "in-between", content });
  expect((await turn.end).status).toBe("completed");
  expect(turn.taken()).toEqual(["rest in-between"]);
  expect(turn.said()).toEqual(expect.arrayContaining(["assistant_text: Launched.", "assistant_text: Heard."]));
  expect(turn.said()).not.toContain("assistant_text: Helped.");
});

test("an offer is held until a tool runs, and several are taken in their order", async () => {
  const talk = { text: "word ".repeat(40), delayMs: 20, tools: [bash("sleep 1")] };
  const turn = play("held", script([talk, { text: "unheard" }]));
  await one.seen((body) => body.kind === "block:delta" && one.bodies.indexOf(body) >= turn.from);
  one.harness.steering?.offer(message("first", "one"));
  one.harness.steering?.offer(message("second", "two"));
  expect((await turn.end).status).toBe("completed");
  expect(turn.taken()).toEqual(["held first", "held second"]);
});

test("an offer can be taken back and made anew with another content, until it is taken", async () => {
  const turn = play("change", script([{ tools: [bash("sleep 2")] }, { text: "undisturbed" }]));
  await toolRuns(turn.from);
  one.harness.steering?.offer(message("wrong", "wrong"));
  expect(await one.harness.steering?.withdraw("wrong")).toBe(false);
  one.harness.steering?.offer(message("again", "old"));
  expect(await one.harness.steering?.withdraw("again")).toBe(false);
  one.harness.steering?.offer(message("again", "new"));
  await turn.end;
  expect([turn.taken(), turn.said()]).toEqual([["change again"], ["assistant_text: new"]]);
  expect(await one.harness.steering?.withdraw("again")).toBe(false);
});

test("an interrupt ends the turn, and what it had been offered and no tool had let in does not begin", async () => {
  const turn = play("stop", script([{ text: "a long speech ".repeat(200), delayMs: 20 }, { text: "never" }]));
  await one.seen((body) => body.kind === "block:delta" && one.bodies.indexOf(body) >= turn.from);
  one.harness.steering?.offer(message("too-late", "must not be said"));
  await one.harness.interrupt();
  expect((await turn.end).status).toBe("interrupted");
  expect(turn.taken()).toEqual([]);
  const own = one.bodies.length;
  await one.harness.runTurn({ turnId: "after", messages: [message("too-late", "said now")] });
  expect(outline(checkBlocks(one.bodies.slice(own)).get("main"))).toEqual(["assistant_text: said now"]);
});

test("a message that the harness begins in the moment of an interrupt is told as taken, and only then is it", async () => {
  const turn = play("race", script([{ tools: [bash(": && sleep 61.41")] }, { text: "never" }]));
  await toolRuns(turn.from);
  one.harness.steering?.offer(message("racing", "begun"));
  await one.harness.interrupt();
  const { status } = await turn.end;
  const taken = turn.taken();
  if (taken.length === 0) expect([status, turn.said()]).toEqual(["interrupted", []]);
  else expect(taken).toEqual(["race racing"]);
});
