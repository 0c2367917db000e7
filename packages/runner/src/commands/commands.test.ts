import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { CommandBody } from "@hhopkins/agent-runtime-protocol";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import { openCommandLedger } from "./command-ledger.ts";
import type { CommandResult } from "./command-ledger.ts";
import { createCommands } from "./commands.ts";

let folder: ReturnType<typeof temporaryFolder>;
let file: string;
beforeEach(() => {
  folder = temporaryFolder();
  file = join(folder.path, "commands.ndjson");
});
afterEach(() => folder.remove());

const sync: CommandBody = { kind: "sync" };

function subject(handle: (command: CommandBody) => Promise<unknown>) {
  const replies: [string, CommandResult][] = [];
  const commands = createCommands({
    ledger: openCommandLedger(file),
    handle,
    log: () => {},
    reply: (id, result) => replies.push([id, result]),
  });
  return { commands, replies };
}

describe("commands", () => {
  it("does each once, in order, and answers a duplicate with the first answer", async () => {
    const done: string[] = [];
    const { commands, replies } = subject(async (command) => {
      await new Promise((resolve) => setImmediate(resolve));
      done.push(command.kind);
      return done.length;
    });
    void commands.take("a", sync);
    void commands.take("a", sync);
    void commands.take("b", { kind: "options", options: {} });
    await commands.idle();
    void commands.take("a", sync);
    expect(done).toEqual(["sync", "options"]);
    expect(replies).toEqual([
      ["a", { ok: true, data: 1 }],
      ["b", { ok: true, data: 2 }],
      ["a", { ok: true, data: 1 }],
    ]);
  });

  it("lets a turn begin beside a sync, and an interrupt overtake everything", async () => {
    const begun: string[] = [];
    const gates = new Map<string, PromiseWithResolvers<void>>();
    const { commands } = subject((command) => {
      begun.push(command.kind);
      const gate = Promise.withResolvers<void>();
      gates.set(command.kind, gate);
      return gate.promise;
    });
    const open = async (...kinds: string[]) => {
      for (const kind of kinds) gates.get(kind)?.resolve();
      await new Promise((resolve) => setImmediate(resolve));
    };
    const turnId = "turn-1";
    const messages = [{ messageId: "m1", content: "hello" }];
    void commands.take("a", { kind: "transcript:put", key: "k", lines: [] });
    void commands.take("b", sync);
    void commands.take("c", { kind: "message", turnId, messages });
    void commands.take("d", { kind: "steer", turnId, messageId: "m2", content: "and" });
    void commands.take("e", { kind: "prepare-end" });
    void commands.take("f", { kind: "interrupt", turnId });
    await open();
    expect(begun).toEqual(["interrupt", "transcript:put"]);
    await open("transcript:put");
    expect(begun.slice(2).toSorted()).toEqual(["message", "sync"]);
    await open("message");
    expect(begun.slice(4)).toEqual(["steer"]);
    await open("steer");
    expect(begun.slice(5)).toEqual([]);
    await open("sync", "interrupt");
    expect(begun.slice(5)).toEqual(["prepare-end"]);
    await open("prepare-end");
    await commands.idle();
  });

  it("answers a failure with its code, and hides what is not ours", async () => {
    const { commands, replies } = subject(async (command) => {
      if (command.kind === "sync") throw new RuntimeError("conflict", "no");
      throw new TypeError("inside");
    });
    void commands.take("a", sync);
    void commands.take("b", { kind: "prepare-end" });
    await commands.idle();
    expect(replies[0]).toEqual(["a", { ok: false, error: { code: "conflict", message: "no" } }]);
    expect(replies[1]).toEqual(["b", { ok: false, error: { code: "internal", message: "inside" } }]);
  });

  it("knows its commands after a restart, also behind a torn line", async () => {
    const first = subject(async () => "first");
    void first.commands.take("a", sync);
    await first.commands.idle();
    appendFileSync(file, '{"id":"torn","ok":tr');
    const second = subject(async () => "second");
    void second.commands.take("a", sync);
    void second.commands.take("torn", sync);
    await second.commands.idle();
    expect(second.replies).toEqual([
      ["a", { ok: true, data: "first" }],
      ["torn", { ok: true, data: "second" }],
    ]);
    expect(openCommandLedger(file).get("torn")).toEqual({ ok: true, data: "second" });
  });

  it("remembers a bounded number, in a bounded file", () => {
    const ledger = openCommandLedger(file, { kept: 10, passing: 50 });
    for (let n = 0; n < 100; n++) ledger.put(`id-${n}`, { ok: true }, true);
    expect(ledger.get("id-89")).toBeUndefined();
    expect(ledger.get("id-90")).toEqual({ ok: true });
    expect(readFileSync(file, "utf8").split("\n").length).toBeLessThan(25);
    // What is only known in memory takes no place of what is kept, and none on disk.
    for (let n = 0; n < 100; n++) ledger.put(`put-${n}`, { ok: true }, false);
    expect([ledger.get("put-49"), ledger.get("put-50"), ledger.get("id-99")]).toEqual([
      undefined,
      { ok: true },
      { ok: true },
    ]);
    expect(readFileSync(file, "utf8")).not.toContain("put-");
  });

  it("asks the sender to wait while many bytes wait", async () => {
    const gate = Promise.withResolvers<void>();
    const { commands } = subject(() => gate.promise);
    const data = "A".repeat(300_000);
    let asked: Promise<void> | null = null;
    for (let n = 0; n < 40 && asked === null; n++) {
      asked = commands.take(`put-${n}`, { kind: "file:put", file: { path: "f" }, offset: 0, data, last: true });
    }
    expect(asked).not.toBeNull();
    gate.resolve();
    await asked;
  });
});
