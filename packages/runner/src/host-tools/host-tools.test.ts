import type { EntryBody } from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { createHostTools } from "./host-tools.ts";

const call = { toolName: "lookup", conversationId: "main", input: { id: 1 } };

function subject() {
  const said: EntryBody[] = [];
  const tools = createHostTools(async (body) => void said.push(body));
  const ids = (): string[] => said.flatMap((body) => (body.kind === "host-tool:called" ? [body.call.callId] : []));
  return { said, tools, ids };
}

test("a call is told, waits for its own answer, and takes the first one", async () => {
  const { said, tools, ids } = subject();
  const { signal } = new AbortController();
  const [one, two] = [tools.call(call, signal), tools.call({ ...call, toolUseId: "t2" }, signal)];
  tools.settle("call_of-nobody", { status: "success", content: "?" });
  tools.settle(ids()[1] ?? "", { status: "error", content: "second" });
  tools.settle(ids()[0] ?? "", { status: "success", content: "first" });
  tools.settle(ids()[0] ?? "", { status: "success", content: "once more" });
  expect(await Promise.all([one, two])).toEqual([
    { status: "success", content: "first" },
    { status: "error", content: "second" },
  ]);
  expect(said).toMatchObject([
    { kind: "host-tool:called", call },
    { kind: "host-tool:called", call: { ...call, toolUseId: "t2" } },
  ]);
  expect(new Set(ids()).size).toBe(2);
});

test("a call that nobody waits for is told so, after it was told", async () => {
  const { said, tools, ids } = subject();
  const cancel = new AbortController();
  const cancelled = tools.call(call, cancel.signal);
  cancel.abort();
  expect((await cancelled).status).toBe("cancelled");
  tools.settle(ids()[0] ?? "", { status: "success", content: "late" });
  expect((await tools.call(call, cancel.signal)).status).toBe("cancelled");
  expect(said.map(({ kind }) => kind)).toEqual(["host-tool:called", "host-tool:cancelled"]);
  expect(said[1]).toMatchObject({ callId: ids()[0] });
});

test("what is too large or too much is answered here", async () => {
  const { said, tools, ids } = subject();
  const { signal } = new AbortController();
  const large = await tools.call({ ...call, input: { text: "x".repeat(300_000) } }, signal);
  expect(large).toMatchObject({ status: "error", content: expect.stringContaining("at most 262144 are taken") });
  expect(said).toEqual([]);
  const waiting = Array.from({ length: 16 }, () => tools.call(call, signal));
  expect(await tools.call(call, signal)).toMatchObject({
    status: "error",
    content: expect.stringContaining("16 calls"),
  });
  for (const id of ids()) tools.settle(id, { status: "success", content: "" });
  expect(await Promise.all(waiting)).toHaveLength(16);
});
