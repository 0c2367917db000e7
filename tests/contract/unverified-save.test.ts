import { memoryPersistence } from "@hhopkins/agent-runtime/persistence/memory";
import { script } from "@hhopkins/agent-runtime-testkit";
import { expect, test } from "vitest";
import { Recorder } from "./recorder.ts";
import { KEY, runningServer } from "./running-server.ts";

test("a save that cannot be verified ends nothing: the sandbox stays, unhealthy, and the next unload ends it", async () => {
  const kept = memoryPersistence();
  let forgets = false;
  const store: typeof kept.store = { ...kept.store, files: async (key) => (forgets ? [] : kept.store.files(key)) };
  await using server = await runningServer({ config: { persistence: { ...kept, store } } });
  const sessionId = await server.create();
  const recorder = await Recorder.follow(server.wsUrl, sessionId, KEY);
  const tools = [{ name: "Write", input: { file_path: "/workspace/precious.txt", content: "precious" } }];
  await server.send(sessionId, script([{ tools }, { text: "Written." }]), { messageId: "one" });
  await recorder.turnOf("one");
  forgets = true;
  const refused = await server.call("POST", `/sessions/${sessionId}/unload`);
  expect([refused.status, refused.json.error]).toEqual([503, "unavailable"]);
  const { isLoaded, sandbox } = (await server.state(sessionId)).runtime;
  expect([isLoaded, sandbox?.status]).toEqual([true, "unhealthy"]);
  expect(sandbox?.statusMessage).toContain("files");
  forgets = false;
  expect((await server.call("POST", `/sessions/${sessionId}/unload`)).status).toBe(204);
  expect((await server.state(sessionId)).runtime).toMatchObject({ isLoaded: false, sandbox: { status: "terminated" } });
  recorder.close();
});
