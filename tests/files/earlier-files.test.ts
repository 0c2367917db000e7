import { initialState, reduceAll, type FileEntry, type WorkspaceFile } from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { nineMethodAdapter } from "../contract/nine-methods.ts";
import { modelAndFolder } from "../testing/model-and-folder.ts";
import { bash, prompt } from "../testing/prompts.ts";
import { API_KEY, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";
import { logOf } from "../testing/session-log.ts";
import { fileRequests, type FileRequests } from "./file-requests.ts";

const at = modelAndFolder();

function filesOf(bench: RuntimeUnderTest): FileRequests {
  const rest = bench.runtime.createRestServer({ apiKey: API_KEY });
  return fileRequests("http://runtime.test", (request) => rest.fetch(request));
}

const defaultWorkspaceFiles = [
  { path: "a.txt", content: "one" },
  { path: "gone.txt", content: "soon" },
  { path: "same.txt", content: "same" },
];

const entryOf = ({
  content: _content,
  encoding: _encoding,
  truncated: _truncated,
  ...entry
}: WorkspaceFile): FileEntry => entry;

/** The status, and the text or the error's code. */
async function answerOf(response: Response): Promise<[number, string]> {
  if (response.status === 200) return [200, await response.text()];
  return [response.status, ((await response.json()) as { error: string }).error];
}

test("files and their bytes are answered as they were after each event of the log, also of what was rewound", async () => {
  await using bench = await startRuntime({}, { model: at.model });
  const files = filesOf(bench);
  const id = await bench.create({ defaultWorkspaceFiles });
  await files.put(id, "a.txt", "two");
  await files.put(id, "upload/bytes", new Uint8Array(100_000).fill(1));
  const change = [bash("printf three > a.txt; rm gone.txt"), bash("sleep 0.3; printf x > new.txt; rm -r upload")];
  const steps = change.map((tool) => ({ tools: [tool] }));
  await bench.turn(id, prompt("change", ...steps, { text: "changed" }));
  const first = (await bench.state(id)).lastTurn?.turnId ?? "";
  await bench.turn(id, prompt("more", { tools: [bash("printf four > a.txt")] }, { text: "more" }));
  expect((await bench.request("POST", `/sessions/${id}/rewind`, { turnId: first })).status).toBe(200);

  const log = await logOf(bench, id);
  const { logId, lastSeq } = await bench.state(id);
  const contents = new Set<string>();
  for (let seq = 0; seq <= lastSeq; seq++) {
    const then = reduceAll(initialState(id, logId), log.slice(0, seq)).workspaceFiles;
    const listed = await files.list(id, seq);
    expect([seq, listed]).toEqual([seq, then.map(entryOf).toSorted((a, b) => (a.path < b.path ? -1 : 1))]);
    const content = then.find(({ path }) => path === "a.txt")?.content;
    const read = await answerOf(await files.read(id, "a.txt", seq));
    expect([seq, ...read]).toEqual([seq, ...(content === undefined ? [404, "file_not_found"] : [200, content])]);
    contents.add(read[1]);
  }
  expect([...contents]).toEqual(["file_not_found", "one", "two", "three", "four"]);

  expect((await files.list(id, "start")).map(({ path }) => path)).toEqual(["a.txt", "gone.txt", "same.txt"]);
  expect(await answerOf(await files.read(id, "a.txt", "start"))).toEqual([200, "one"]);
  expect(await answerOf(await files.read(id, "new.txt", "start"))).toEqual([404, "file_not_found"]);
  for (const seq of [lastSeq + 1, "x", "-1", ""])
    for (const path of ["", "/a.txt"]) {
      const wrong = await bench.request("GET", `/sessions/${id}/files${path}?seq=${seq}`);
      expect([seq, wrong.status, await wrong.json()]).toMatchObject([
        seq,
        400,
        { error: "invalid_request", field: "query.seq" },
      ]);
    }

  // A fork begins where it was forked; what its files were before that are bytes that it has not.
  const forked = await bench.request("POST", `/sessions/${id}/fork`, { turnId: first });
  const { sessionId: fork } = (await forked.json()) as { sessionId: string };
  expect(await answerOf(await files.read(fork, "a.txt", "start"))).toEqual([200, "three"]);
  expect(await answerOf(await files.read(fork, "same.txt", 4))).toEqual([200, "same"]);
  expect(await answerOf(await files.read(fork, "a.txt", 4))).toEqual([410, "file_not_kept"]);
});

test("a store of nine methods has what is written and removed; of earlier versions the list, and the bytes that are still there", async () => {
  const persistence = nineMethodAdapter();
  const first = await startRuntime({ persistence }, { dataDir: at.folder, model: at.model });
  const id = await first.create({ defaultWorkspaceFiles });
  const written = filesOf(first);
  expect((await written.put(id, "a.txt", "two")).status).toBe(200);
  const bytes = new Uint8Array(300_000).fill(7);
  expect((await written.put(id, "bytes", bytes)).status).toBe(201);
  expect((await written.remove(id, "gone.txt")).status).toBe(204);
  // As after a kill: what was not saved when it was answered is not there.
  const copy = nineMethodAdapter();
  for (const [sessionId, session] of persistence.sessions) copy.sessions.set(sessionId, structuredClone(session));
  await first.runtime.shutdown();

  await using second = await startRuntime({ persistence: copy }, { dataDir: at.folder, model: at.model });
  const files = filesOf(second);
  expect((await files.list(id)).map(({ path }) => path)).toEqual(["a.txt", "bytes", "same.txt"]);
  expect((await second.state(id)).workspaceFiles.map(({ path }) => path).toSorted()).toEqual([
    "a.txt",
    "bytes",
    "same.txt",
  ]);
  expect(await answerOf(await files.read(id, "a.txt"))).toEqual([200, "two"]);
  expect((await files.list(id, "start")).map(({ path }) => path)).toEqual(["a.txt", "gone.txt", "same.txt"]);
  expect(await answerOf(await files.read(id, "same.txt", "start"))).toEqual([200, "same"]);
  expect(await answerOf(await files.read(id, "a.txt", "start"))).toEqual([410, "file_not_kept"]);
  expect((await files.put(id, "later", "later")).status).toBe(201);
  const done = await second.turn(
    id,
    prompt("look", { tools: [bash("ls; cat a.txt later; wc -c < bytes")] }, { text: "seen" }),
  );
  expect(done.blocks.findLast(({ type }) => type === "tool_result")).toMatchObject({
    content: "a.txt\nbytes\nlater\nsame.txt\ntwolater300000",
  });
  expect((await files.put(id, "later", "changed")).status).toBe(200);
  expect((await files.remove(id, "a.txt")).status).toBe(204);
  expect((await second.request("POST", `/sessions/${id}/unload`)).status).toBe(204);
  expect(
    copy.sessions
      .get(id)
      ?.workspaceFiles.map(({ path, content }) => [path, content])
      .toSorted(),
  ).toMatchObject([
    ["bytes", expect.any(String)],
    ["later", "changed"],
    ["same.txt", "same"],
  ]);
});
