import { unsafeProcessSandbox } from "@hhopkins/agent-runtime/sandbox/unsafe-process";
import { script } from "@hhopkins/agent-runtime-testkit";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Recorder } from "./recorder.ts";
import { KEY, runningServer } from "./running-server.ts";

test("a sync resolves when everything in the workspace is saved, however it came there", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "agent-sync-"));
  {
    await using server = await runningServer({ config: { sandbox: unsafeProcessSandbox({ dataDir }) } });
    const sessionId = await server.create();
    const recorder = await Recorder.follow(server.wsUrl, sessionId, KEY);
    await server.send(sessionId, script([{ text: "Ready." }]), { messageId: "one" });
    await recorder.turnOf("one");
    recorder.close();
    const [sandbox = ""] = await readdir(join(dataDir, "sandboxes"));
    // Written behind the agent's back, and asked for before any watcher could have told.
    await writeFile(join(dataDir, "sandboxes", sandbox, "workspace/late.txt"), "late");
    expect((await server.call("POST", `/sessions/${sessionId}/sync`)).status).toBe(204);
    expect((await server.call("GET", `/sessions/${sessionId}/files/late.txt`)).json).toBe("late");
  }
  await rm(dataDir, { recursive: true, force: true });
});
