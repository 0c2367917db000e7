import { afterAll, beforeAll, expect, test } from "vitest";
import { type ScriptedModel, startScriptedModel } from "./server.ts";
import { script } from "./step.ts";
import { type WireMessage, ask, textOf } from "./testing/exchange.ts";

let model: ScriptedModel;
beforeAll(async () => {
  model = await startScriptedModel({ demo: true });
});
afterAll(() => model.close());

interface Answer {
  readonly content: readonly {
    readonly type: string;
    readonly name?: string;
    readonly input?: Readonly<Record<string, string>>;
  }[];
}

async function answer(messages: readonly WireMessage[], tools: readonly string[]): Promise<Answer> {
  return (await (await ask(model, messages, { tools, stream: false })).json()) as Answer;
}

/** Plays turns as a harness would: answers each tool call, until nothing is called. Returns the calls. */
async function playTurn(messages: WireMessage[], tools: readonly string[]): Promise<[string, string?][]> {
  const calls: [string, string?][] = [];
  for (;;) {
    const { content } = await answer(messages, tools);
    messages.push({ role: "assistant", content });
    const used = content.filter((block) => block.type === "tool_use");
    calls.push(...used.map((block): [string, string?] => [block.name!, block.input!["file_path"]]));
    if (used.length === 0) return calls;
    messages.push({
      role: "user",
      content: used.map(() => ({ type: "tool_result", tool_use_id: "t", content: "done" })),
    });
  }
}

test("a demo turn writes a file and reads it back, a later one another file", async () => {
  const reminder = {
    type: "text",
    text: "<system-reminder>\n - Primary working directory: /some/where\n</system-reminder>",
  };
  const messages: WireMessage[] = [{ role: "user", content: [reminder, { type: "text", text: "Hi\nthere" }] }];
  const one = "/some/where/hello-1.md";
  expect(await playTurn(messages, ["Read", "Write"])).toEqual([
    ["Write", one],
    ["Read", one],
  ]);
  expect(JSON.stringify(messages[1])).toContain("> Hi there");
  messages.push({ role: "user", content: [reminder, { type: "text", text: "Again" }] });
  const two = "/some/where/hello-2.md";
  expect(await playTurn(messages, ["Read", "Write"])).toEqual([
    ["Write", two],
    ["Read", two],
  ]);
});

test("what a harness says of itself is no message of the user", async () => {
  const environment = { role: "user" as const, content: "# Environment\n - Primary working directory: /w\n" };
  const messages: WireMessage[] = [environment, { role: "user", content: "Greet me" }];
  expect(await playTurn(messages, ["Read", "Write"])).toContainEqual(["Write", "/w/hello-1.md"]);
  expect(JSON.stringify(messages[2])).toContain("> Greet me");
  const after: WireMessage[] = [{ role: "user", content: "Greet me" }, environment];
  await playTurn(after, ["Read", "Write"]);
  expect(JSON.stringify(after[2])).toContain("> Greet me");
});

test("it calls only tools that are offered", async () => {
  expect(await playTurn([{ role: "user", content: "Hi" }], ["Write"])).toEqual([["Write", "hello-1.md"]]);
  expect(await playTurn([{ role: "user", content: "Hi" }], ["Bash"])).toEqual([]);
});

test("what the harness adds is not a prompt", async () => {
  const messages: WireMessage[] = [{ role: "user", content: "Hi" }];
  await playTurn(messages, ["Read", "Write"]);
  messages.push({ role: "user", content: "[Request interrupted by user]\n" }, { role: "user", content: "Again" });
  expect(await playTurn(messages, ["Write"])).toEqual([["Write", "hello-2.md"]]);
});

test("a message of the role system is the harness's: no prompt, but where it works is read from it", async () => {
  const environment = { role: "system", content: "# Environment\n - Primary working directory: /else/where\n" };
  const messages: WireMessage[] = [{ role: "user", content: "Hi" }, environment];
  expect(await playTurn(messages, ["Write"])).toEqual([["Write", "/else/where/hello-1.md"]]);
  expect(JSON.stringify(messages)).toContain("> Hi");
});

test("a script is played in the demo too", async () => {
  expect(await textOf(await ask(model, script([{ text: "scripted" }]), { tools: ["Write"] }))).toBe("scripted");
  expect(await textOf(await ask(model, "a title, please"))).toBe("Scripted session");
});
