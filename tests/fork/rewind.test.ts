import { initialState, reduceAll, type SessionState } from "@hhopkins/agent-runtime-protocol";
import type { FileEntry } from "@hhopkins/agent-runtime";
import { memoryPersistence } from "@hhopkins/agent-runtime/persistence/memory";
import { startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { askedConversation } from "../testing/model-conversation.ts";
import { bash, prompt } from "../testing/prompts.ts";
import { API_KEY, said, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";
import { logOf } from "../testing/session-log.ts";

let model: ScriptedModel;
let dataDir: string;
beforeAll(async () => {
  model = await startScriptedModel();
});
afterAll(() => model.close());
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "agent-runtime-test-"));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

const MAKE = [
  "printf one > text.txt; printf gone > deleted.txt; mkdir -p bin empty; printf run > bin/tool; chmod 755 bin/tool",
  "ln -s text.txt link; head -c 300000 /dev/urandom > random.bin",
].join("; ");
const CHANGE = [
  "printf two > text.txt; rm deleted.txt; chmod 600 bin/tool; ln -sf random.bin link; rmdir empty",
  "head -c 1000 /dev/urandom > random.bin; printf new > added.txt; rm -r bin; printf file > bin",
].join("; ");

async function turnIds(bench: RuntimeUnderTest, id: string): Promise<string[]> {
  return (await logOf(bench, id)).flatMap((event) =>
    event.type === "session:turn:completed" ? [event.data.turnId] : [],
  );
}

/** Everything that tells one workspace from another. */
async function filesOf(bench: RuntimeUnderTest, id: string) {
  const { files } = (await (await bench.request("GET", `/sessions/${id}/files`)).json()) as { files: FileEntry[] };
  return files.map(({ path, type, mode, target, size, sha256 }) => ({ path, type, mode, target, size, sha256 }));
}

async function rewind(bench: RuntimeUnderTest, id: string, turnId: string) {
  const response = await bench.request("POST", `/sessions/${id}/rewind`, { turnId });
  return { status: response.status, ...((await response.json()) as { error?: string; lastSeq?: number }) };
}

/** Blocks of a conversation by the pages of the API, oldest first. */
async function pagesOf(bench: RuntimeUnderTest, id: string, conversation = "main"): Promise<string[]> {
  const ids: string[] = [];
  for (let before = ""; ;) {
    const query = `conversation=${encodeURIComponent(conversation)}&limit=3${before === "" ? "" : `&before=${before}`}`;
    const page = (await (await bench.request("GET", `/sessions/${id}/blocks?${query}`)).json()) as {
      blocks: { id: string }[];
      before?: string;
    };
    ids.unshift(...page.blocks.map((block) => block.id));
    if (page.before === undefined) return ids;
    before = page.before;
  }
}

/** What a client that has the whole log makes of it. */
async function replayed(bench: RuntimeUnderTest, state: SessionState): Promise<SessionState> {
  return reduceAll(initialState(state.sessionId, state.logId), await logOf(bench, state.sessionId));
}

/** Conversations and files, as far as they are of a turn's end. */
function shown({ blocks, blocksBefore, subagents, workspaceFiles, lastTurn }: SessionState) {
  const files = workspaceFiles.map(({ path, type, mode, target, sha256, content }) => [
    path,
    { type, mode, target, sha256, content },
  ]);
  return { blocks, blocksBefore, subagents, lastTurn, files: Object.fromEntries(files) };
}

const idsOf = ({ blocks }: Pick<SessionState, "blocks">): string[] => blocks.map(({ id }) => id);

test("a session goes back with conversation and workspace, and goes on from there; its log keeps what was, also over a restart", async () => {
  const first = await startRuntime({}, { dataDir, model });
  const id = await first.create();
  const then = await first.turn(id, prompt("one", { tools: [bash(MAKE)] }, { text: "first answer" }));
  const filesThen = await filesOf(first, id);
  await first.turn(id, prompt("two", { tools: [bash(CHANGE)] }, { text: "second answer" }));
  const later = await first.turn(id, prompt("three", { text: "third answer" }));
  const [t1 = "", t2 = ""] = await turnIds(first, id);
  const logBefore = await logOf(first, id);

  const answer = await rewind(first, id, t1);
  const back = await first.state(id);
  expect(answer).toMatchObject({ status: 200, sessionId: id, turnId: t1, lastSeq: back.lastSeq });
  expect(shown(back)).toEqual(shown(then));
  expect(back.sessionMetadata).toEqual(later.sessionMetadata);
  expect(back.runtime.sandbox?.status).toBe("terminated");
  expect(await pagesOf(first, id)).toEqual(idsOf(then));
  expect(await filesOf(first, id)).toEqual(filesThen);
  const log = await logOf(first, id);
  expect(log.slice(0, logBefore.length)).toEqual(logBefore);
  expect(log.at(-1)).toMatchObject({ type: "session:rewound", data: { turnId: t1 } });
  expect(await replayed(first, back)).toEqual(back);
  // What came later is behind it now: it can be forked, and not gone back to.
  expect(await rewind(first, id, t2)).toMatchObject({ status: 409, error: "conflict" });
  await first.runtime.shutdown();

  await using second = await startRuntime({}, { dataDir, model });
  expect(shown(await second.state(id))).toEqual(shown(then));
  const look = "cat text.txt deleted.txt; stat -c %a bin/tool; readlink link; ls -d empty; sha256sum random.bin; ls";
  const went = await second.turn(id, prompt("other way", { tools: [bash(look)] }, { text: "another answer" }));
  const random = filesThen.find(({ path }) => path === "random.bin")?.sha256 ?? "";
  expect(askedConversation(model, "other way")).toEqual([
    "user: one",
    "tool: Bash",
    expect.stringContaining("result: "),
    "assistant: first answer",
    "user: other way",
    "tool: Bash",
    `result: onegone755\ntext.txt\nempty\n${random}  random.bin\nbin\ndeleted.txt\nempty\nlink\nrandom.bin\ntext.txt`,
  ]);
  expect(said(went)).toEqual(["first answer", "another answer"]);
  expect(await replayed(second, await second.state(id))).toEqual(await second.state(id));

  // The turns that it went back before are forked as they were.
  const forked = await second.request("POST", `/sessions/${id}/fork`, { turnId: t2 });
  const { sessionId } = (await forked.json()) as { sessionId: string };
  const copy = await second.turn(
    sessionId,
    prompt("in the fork", { tools: [bash("cat text.txt")] }, { text: "forked" }),
  );
  expect(said(copy)).toEqual(["first answer", "second answer", "forked"]);
  expect(askedConversation(model, "in the fork").slice(4)).toEqual([
    "user: two",
    "tool: Bash",
    expect.stringContaining("result: "),
    "assistant: second answer",
    "user: in the fork",
    "tool: Bash",
    "result: two",
  ]);

  // To the beginning, and on: nothing of the conversation is left.
  expect(await rewind(second, id, "start")).toMatchObject({ status: 200 });
  expect(shown(await second.state(id))).toMatchObject({ blocks: [], files: {} });
  expect(await pagesOf(second, id)).toEqual([]);
  await second.turn(id, prompt("anew", { tools: [bash("ls -A | wc -l")] }, { text: "begun again" }));
  expect(askedConversation(model, "anew")).toEqual(["user: anew", "tool: Bash", "result: 0"]);
  expect(said(await second.state(id))).toEqual(["begun again"]);

  // As an archive it is what it is now, and goes on.
  const archive = await (await second.request("GET", `/sessions/${id}/export`)).arrayBuffer();
  const rest = second.runtime.createRestServer({ apiKey: API_KEY });
  const headers = { authorization: `Bearer ${API_KEY}`, "content-type": "application/octet-stream" };
  const request = { method: "POST", headers, body: archive };
  expect((await rest.fetch(new Request("http://t/sessions/import?sessionId=moved", request))).status).toBe(201);
  expect(shown(await second.state("moved"))).toEqual(shown(await second.state(id)));
  await second.turn("moved", prompt("elsewhere", { text: "moved on" }));
  expect(askedConversation(model, "elsewhere").slice(0, -1)).toEqual([
    "user: anew",
    "tool: Bash",
    "result: 0",
    "assistant: begun again",
  ]);
  const [last = ""] = (await turnIds(second, "moved")).slice(-2);
  expect(await rewind(second, "moved", last)).toMatchObject({ status: 200 });
  expect(said(await second.state("moved"))).toEqual(["begun again"]);
});

test("a turn with subagents is forked and gone back to with theirs, and later ones are no more; a failed turn too", async () => {
  const profiles = [{ id: "p", name: "P", tools: ["Bash", "Agent"] }];
  await using bench = await startRuntime({ persistence: memoryPersistence({ profiles }) }, { dataDir, model });
  const id = await bench.create({ agentProfileRef: "p" });
  const help = (name: string) => {
    const inside = prompt("look", { text: `${name} has looked` });
    return { name: "Agent", input: { description: name, prompt: inside, subagent_type: "general-purpose" } };
  };
  const then = await bench.turn(id, prompt("one", { tools: [help("early")] }, { text: "first answer" }));
  expect(then.subagents).toHaveLength(1);
  const failed = await bench.turn(
    id,
    prompt("two", { error: { status: 400, type: "invalid_request_error", message: "no" } }),
  );
  expect(failed.lastTurn?.status).toBe("failed");
  const now = await bench.turn(id, prompt("three", { tools: [help("late")] }, { text: "third answer" }));
  expect(now.subagents).toHaveLength(2);
  const [t1 = "", t2 = ""] = await turnIds(bench, id);
  const early = then.subagents[0]?.id ?? "";

  const answer = await bench.request("POST", `/sessions/${id}/fork`, { turnId: t1 });
  const { sessionId: copy } = (await answer.json()) as { sessionId: string };
  expect(shown(await bench.state(copy))).toEqual(shown(then));
  expect(await pagesOf(bench, copy, early)).toEqual(idsOf(then.subagents[0] ?? { blocks: [] }));
  await bench.turn(copy, prompt("in the fork", { text: "forked" }));
  expect(askedConversation(model, "in the fork").join("\n")).toContain("early has looked");

  expect(await rewind(bench, id, t2)).toMatchObject({ status: 200 });
  expect(shown(await bench.state(id))).toEqual(shown(failed));
  expect(await pagesOf(bench, id, now.subagents[1]?.id)).toEqual([]);
  expect(await rewind(bench, id, t1)).toMatchObject({ status: 200 });
  const back = await bench.state(id);
  expect(shown(back)).toEqual(shown(then));
  expect(await replayed(bench, back)).toEqual(back);
  await bench.turn(id, prompt("goes on", { tools: [help("again")] }, { text: "on it went" }));
  const conversation = askedConversation(model, "goes on").join("\n");
  expect(conversation).toContain("early has looked");
  expect(conversation).not.toMatch(/late has looked|user: two/);
  expect((await bench.state(id)).subagents.map((subagent) => subagent.id)).toEqual([early, expect.any(String)]);
});

test("a message that comes while a session goes back is its next one, from there; it goes back once at a time", async () => {
  await using bench = await startRuntime({}, { dataDir, model });
  const id = await bench.create();
  await bench.turn(id, prompt("one", { tools: [bash("touch one")] }, { text: "first answer" }));
  await bench.turn(id, prompt("two", { tools: [bash("touch two")] }, { text: "second answer" }));
  const [t1 = ""] = await turnIds(bench, id);
  const going = Promise.all([rewind(bench, id, t1), rewind(bench, id, t1)]);
  const sent = await bench.send(id, prompt("meanwhile", { tools: [bash("ls")] }, { text: "third answer" }));
  expect(sent.status).toBe(202);
  const statuses = (await going).map(({ status }) => status);
  const done = await bench.until(id, ({ turn, queue }) => turn === null && queue.length === 0);
  // Where the message came first its turn stands in the way of both.
  if (!statuses.includes(200)) {
    expect([statuses, said(done)]).toEqual([
      [409, 409],
      ["first answer", "second answer", "third answer"],
    ]);
    return;
  }
  expect(statuses.filter((status) => status !== 200 && status !== 409)).toEqual([]);
  expect(said(done)).toEqual(["first answer", "third answer"]);
  expect(askedConversation(model, "meanwhile").slice(3)).toEqual([
    "assistant: first answer",
    "user: meanwhile",
    "tool: Bash",
    "result: one",
  ]);
});
