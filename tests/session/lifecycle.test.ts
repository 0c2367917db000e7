import { script } from "@hhopkins/agent-runtime-testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { said, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";

let bench: RuntimeUnderTest;
beforeAll(async () => {
  bench = await startRuntime();
});
afterAll(() => bench[Symbol.asyncDispose]());

const write = (path: string, content: string) => ({
  name: "Write",
  input: { file_path: `/workspace/${path}`, content },
});
const bash = (command: string) => ({ name: "Bash", input: { command, description: "test" } });

describe("a session", () => {
  test("creating does no sandbox work; two messages to a cold session share one sandbox and run in order", async () => {
    const id = await bench.create();
    expect((await bench.state(id)).runtime).toEqual({ isLoaded: false, sandbox: null });
    const [first, second] = await Promise.all([
      bench.send(id, `one ${script([{ text: "first answer" }])}`, { messageId: "m1" }),
      bench.send(id, `two ${script([{ text: "second answer" }])}`, { messageId: "m2" }),
    ]);
    expect([first.status, second.status]).toEqual([202, 202]);
    const state = await bench.until(
      id,
      ({ turn, queue, blocks }) => turn === null && queue.length === 0 && blocks.length === 4,
    );
    expect(said(state)).toEqual(["first answer", "second answer"]);
    expect(state.runtime.sandbox).toMatchObject({ status: "ready", restartCount: 0, sandboxId: `${id}-1` });
    expect(state.blocks.map((block) => block.type)).toEqual([
      "user_message",
      "assistant_text",
      "user_message",
      "assistant_text",
    ]);
  });

  test("after an unload the next message brings files and conversation back in a new sandbox", async () => {
    const id = await bench.create({ defaultWorkspaceFiles: [{ path: "docs/given.txt", content: "given\n" }] });
    const steps = [
      {
        tools: [
          write("notes.txt", "remember\n"),
          bash(
            "mkdir -p bin && printf '\\x00\\xff\\xfe' > bin/raw && chmod 755 bin/raw && ln -s raw bin/link && mkdir empty",
          ),
        ],
      },
      { text: "first turn done" },
      // Played only if the conversation of the first turn is still there.
      {
        tools: [
          bash("cat notes.txt docs/given.txt; od -An -tx1 bin/raw; stat -c %a bin/raw; readlink bin/link; ls -d empty"),
        ],
      },
      { text: "second turn done" },
    ];
    const before = await bench.turn(id, `go ${script(steps)}`);
    expect(before.workspaceFiles.map(({ path }) => path).toSorted()).toEqual([
      "bin/link",
      "bin/raw",
      "docs/given.txt",
      "empty",
      "notes.txt",
    ]);
    const unloaded = await bench.request("POST", `/sessions/${id}/unload`);
    expect(unloaded.status).toBeLessThan(300);
    expect(() => bench.runtime.sessionManager.getSession(id)).toThrowError(
      expect.objectContaining({ code: "session_not_loaded" }),
    );
    const asleep = await bench.state(id);
    expect(asleep.runtime).toMatchObject({ isLoaded: false, sandbox: { status: "terminated" } });

    const after = await bench.turn(id, "and now?");
    expect(said(after)).toEqual(["first turn done", "second turn done"]);
    const results = after.blocks.flatMap((block) => (block.type === "tool_result" ? [block.content] : []));
    expect(results.at(-1)).toBe("remember\ngiven\n 00 ff fe\n755\nraw\nempty");
    expect(after.runtime.sandbox).toMatchObject({ status: "ready", restartCount: 1, sandboxId: `${id}-2` });
    // Restoring is no news: the files are as they were.
    expect(after.workspaceFiles).toEqual(asleep.workspaceFiles);
  });

  test("what could not be kept is said; a symlink that leads out comes back as it was", async () => {
    await using small = await startRuntime({ maxFileBytes: 1000 });
    const id = await small.create();
    const steps = [
      { tools: [bash("head -c 2000 /dev/zero > huge && echo kept > kept && ln -s /usr/bin/env outside")] },
      { text: "made" },
      { tools: [bash("ls; readlink outside")] },
      { text: "seen" },
    ];
    const before = await small.turn(id, `go ${script(steps)}`);
    expect(before.workspaceFiles.map(({ path }) => path).toSorted()).toEqual(["huge", "kept", "outside"]);
    expect((await small.request("GET", `/sessions/${id}/files/huge`)).status).toBe(404);
    expect((await small.request("POST", `/sessions/${id}/unload`)).status).toBeLessThan(300);
    const after = await small.turn(id, "and now?");
    const results = after.blocks.flatMap((block) => (block.type === "tool_result" ? [block.content] : []));
    expect(results.at(-1)).toBe("kept\noutside\n/usr/bin/env");
    expect(after.workspaceFiles.map(({ path }) => path).toSorted()).toEqual(["kept", "outside"]);
    const missing = after.blocks.filter((block) => block.type === "system" && block.subtype === "files_missing");
    expect(missing).toMatchObject([{ content: expect.stringContaining("huge") as string }]);
  });

  test("a deleted session leaves nothing", async () => {
    const id = await bench.create();
    await bench.turn(id, `bye ${script([{ text: "ok" }])}`);
    expect((await bench.request("DELETE", `/sessions/${id}`)).status).toBe(204);
    expect((await bench.request("GET", `/sessions/${id}`)).status).toBe(404);
    const { readdir } = await import("node:fs/promises");
    expect((await readdir(`${bench.dataDir}/sandboxes`)).filter((name) => name.startsWith(id))).toEqual([]);
  });
});
