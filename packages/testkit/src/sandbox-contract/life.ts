import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { assertKilled, assertRefused } from "./assertions.ts";
import { finished, listenInside, shell, soon, until } from "./inside.ts";
import { shown } from "./scene.ts";
import type { SandboxScene } from "./scene.ts";

export const lifeCases: Record<string, (scene: SandboxScene) => Promise<void>> = {
  "status: running, and gone when it was lost, which is told with a reason": async (scene) => {
    const lose = shown(scene.subject.lose);
    const sandbox = await scene.create();
    assert.equal(await sandbox.status(), "running");
    const process = await sandbox.exec(["sleep", "1000"]);
    await lose(sandbox);
    const { reason } = await soon("its end is told", sandbox.ended);
    assert.notEqual(reason, "");
    assert.equal(await sandbox.status(), "gone");
    assertKilled((await finished(process).catch(() => ({ code: null }))).code);
    await assertRefused(sandbox.exec(["true"]), "sandbox_lost");
    assert.equal(await scene.another().attach(sandbox.ref), null);
    const left = await scene.provider.list({ deployment: scene.deployment });
    assert.ok(!left.some(({ ref }) => JSON.stringify(ref) === JSON.stringify(sandbox.ref)));
    await sandbox.terminate();
  },

  "status: gone when its runner has ended by itself": async (scene) => {
    const sandbox = await scene.create();
    const inside = await listenInside(sandbox);
    inside.run("process.exit(3)").catch(() => undefined);
    const { reason } = await soon("its end is told", sandbox.ended);
    assert.notEqual(reason, "");
    assert.equal(await sandbox.status(), "gone");
    await sandbox.terminate();
  },

  "status: asleep": async (scene) => {
    const sleep = shown(scene.subject.sleep);
    const sandbox = await scene.create();
    await sleep(sandbox);
    assert.equal(await sandbox.status(), "asleep");
    await sandbox.terminate();
    assert.equal(await sandbox.status(), "gone");
  },

  "status: unreachable is not gone": async (scene) => {
    const cutOff = shown(scene.subject.cutOff);
    const sandbox = await scene.create();
    let told = false;
    void sandbox.ended.then(() => (told = true));
    await cutOff(sandbox, async () => {
      assert.equal(await soon("a status without an answer", sandbox.status()), "unreachable");
      await assert.rejects(
        soon("an attach without an answer ends", scene.another().attach(sandbox.ref)),
        (error) => !String(error).includes("waited in vain"),
      );
    });
    await until("it is reached again", async () => (await sandbox.status()) === "running");
    assert.equal(told, false, "its end was told, and it goes on");
    await shell(sandbox, "true");
    await sandbox.terminate();
  },

  "release: it goes on, and is attached again": async (scene) => {
    const sandbox = await scene.create();
    const inside = await listenInside(sandbox);
    await inside.run("state.word = 'still here'");
    await sandbox.release();
    const again = scene.keep((await scene.provider.attach(sandbox.ref)) ?? assert.fail("it is gone"));
    assert.equal(await (await listenInside(again)).run("return state.word"), "still here");
    await shell(again, "true");
    await again.terminate();
  },

  "terminate: final, told, and may be said again": async (scene) => {
    const spec = scene.spec();
    const sandbox = await scene.create(spec);
    await sandbox.writeFile(`${await shell(sandbox, 'printf %s "$HOME"')}/left`, Buffer.from("x"));
    await sandbox.terminate();
    assert.notEqual((await soon("its end is told", sandbox.ended)).reason, "");
    assert.equal(await sandbox.status(), "gone");
    assert.equal(await scene.provider.attach(sandbox.ref), null);
    assert.equal(await scene.another().attach(sandbox.ref), null);
    await sandbox.terminate();
    const next = await scene.create(spec);
    assert.equal(await shell(next, 'ls "$HOME"'), "", "its disk is gone too");
    await sandbox.terminate();
    assert.equal(await next.status(), "running", "a word to the old one does not reach the new one");
    await shell(next, "true");
    await next.terminate();
  },

  "terminate: twenty at once": async (scene) => {
    const sandbox = await scene.create();
    await soon("all of them return", Promise.all(Array.from({ length: 20 }, () => sandbox.terminate())));
    assert.equal(await sandbox.status(), "gone");
    assert.equal(await scene.provider.attach(sandbox.ref), null);
  },

  "terminate: another server's word holds, and the first hears of it": async (scene) => {
    const sandbox = await scene.create();
    const other = (await scene.another().attach(sandbox.ref)) ?? assert.fail("it is gone");
    await other.terminate();
    await soon("its end is told", sandbox.ended);
    assert.equal(await sandbox.status(), "gone");
    await sandbox.terminate();
  },

  "terminate: while programs run and streams are open": async (scene) => {
    const sandbox = await scene.create();
    const inside = await listenInside(sandbox);
    const [quiet, loud] = await Promise.all([sandbox.exec(["sleep", "1000"]), sandbox.exec(["cat", "/dev/zero"])]);
    loud.stdout.resume();
    loud.stdout.on("error", () => undefined);
    const ends = [quiet, loud].map(async (process) => {
      process.stdin.on("error", () => undefined);
      process.stdout.on("error", () => undefined);
      process.stderr.on("error", () => undefined);
      return (await soon("a program's end is told", process.exited)).code;
    });
    const written = soon("a write ends", sandbox.writeFile(`/tmp/late-${randomUUID()}`, Buffer.alloc(8 << 20)));
    const outcome = written.then(
      () => "written",
      (error: unknown) => error,
    );
    await sandbox.terminate();
    for (const code of await Promise.all(ends)) assertKilled(code);
    await outcome;
    await assert.rejects(inside.run("return 1"), (error) => !String(error).includes("waited in vain"));
    assert.equal(await sandbox.status(), "gone");
  },
};
