import type { SessionState } from "@hhopkins/agent-runtime";
import { memoryPersistence } from "@hhopkins/agent-runtime/persistence/memory";
import type { AppendBatch } from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { faultyPersistence } from "../testing/faulty-store.ts";
import { bash, prompt } from "../testing/prompts.ts";
import { API_KEY, startRuntime } from "../testing/runtime-under-test.ts";
import { logOf } from "../testing/session-log.ts";
import { fileRequests } from "./file-requests.ts";

const putsFile = ({ files }: AppendBatch): boolean => files?.put.some(({ path }) => path === "given") === true;
const saysOfSandbox =
  (pattern: RegExp) =>
  ({ events }: AppendBatch): boolean =>
    events.some(
      ({ type, data }) =>
        type === "session:status" &&
        pattern.test(`${data.runtime.sandbox?.status} ${data.runtime.sandbox?.statusMessage ?? ""}`),
    );

interface Case {
  readonly name: string;
  readonly warmPool: Readonly<Record<string, number>>;
  readonly moment: (batch: AppendBatch) => boolean;
}

test.each<Case>([
  // What is put while the workspace is on its way into the sandbox: after it was read it would be in the store alone.
  { name: "a new sandbox", warmPool: {}, moment: saysOfSandbox(/^starting Starting the agent/) },
  // It was made ready before anybody knew of the file.
  { name: "a sandbox that is ready", warmPool: { default: 1 }, moment: saysOfSandbox(/^ready/) },
])("a file that is put just when $name gets the workspace is in it", async ({ warmPool, moment }) => {
  const faulty = faultyPersistence(memoryPersistence());
  const { store } = faulty.adapter;
  let onFiles = (): void => undefined;
  const files: typeof store.files = async (key) => {
    const known = await store.files(key);
    onFiles();
    return known;
  };
  await using bench = await startRuntime({ persistence: { ...faulty.adapter, store: { ...store, files } }, warmPool });
  const rest = bench.runtime.createRestServer({ apiKey: API_KEY });
  const { put, list } = fileRequests("http://runtime.test", (request) => rest.fetch(request));
  const isWarm = bench.logs.some.bind(bench.logs, ({ message }) => message === "a warm sandbox is ready");
  if ("default" in warmPool) await expect.poll(isWarm).toBe(true);

  const id = await bench.create();
  const started = faulty.hold(moment);
  const wait = "for n in $(seq 500); do [ -e given ] && break; sleep 0.02; done; cat given";
  await bench.send(id, prompt("wait", { tools: [bash(wait)] }, { text: "seen" }));
  await expect.poll(() => faulty.waiting).toBe(1);
  const answer = put(id, "given", "in time");
  // Asked later, and answered: so that one waits behind what is held.
  for (let n = 0; n < 5; n++) await bench.state(id);
  // It comes right behind what is held, and is slow.
  const slow = faulty.hold(putsFile);
  onFiles = () => slow.open();
  started.open();
  if ("default" in warmPool) slow.open();
  expect((await answer).status).toBe(201);
  const done = await bench.until(id, ({ turn, queue }: SessionState) => turn === null && queue.length === 0);
  expect(done.blocks.findLast(({ type }) => type === "tool_result")).toMatchObject({ content: "in time" });
  expect((await bench.request("POST", `/sessions/${id}/unload`)).status).toBe(204);
  expect(await list(id)).toMatchObject([{ path: "given", size: 7 }]);
  expect((await logOf(bench, id)).filter((event) => moment({ events: [event] } as never)).length).toBeGreaterThan(0);
  expect(JSON.stringify(await logOf(bench, id))).not.toContain("unhealthy");
});
