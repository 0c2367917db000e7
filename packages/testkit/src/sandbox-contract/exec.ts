import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { assertKilled, assertRefused } from "./assertions.ts";
import { finished, runInside, shell, soon, until } from "./inside.ts";
import type { SandboxScene } from "./scene.ts";

/** Spaces, quotes, line ends, what shells expand, other scripts' letters, and what looks like an option. */
const ODD_ARGUMENTS = [
  "",
  " ",
  "a b",
  "'",
  '"',
  "\\",
  "\n",
  "\t\r\u0001\u007f",
  "$(id) `id` ${HOME} $1 *",
  "; exit 3 & | > x",
  "-e",
  "--",
  "--help",
  "é €",
  "日本語 👩‍👩‍👧",
  "\u202e\ufeff",
  "%s\\n",
  "x".repeat(100_000),
];

export const execCases: Record<string, (scene: SandboxScene) => Promise<void>> = {
  "exec: both outputs and the exit code": async (scene) => {
    const sandbox = await scene.shared();
    const done = await runInside(sandbox, ["/bin/sh", "-c", "echo out; echo err >&2; exit 7"]);
    assert.deepEqual(done, { out: "out\n", err: "err\n", code: 7 });
    for (const code of [0, 1, 255]) {
      assert.deepEqual(await runInside(sandbox, ["/bin/sh", "-c", `exit ${code}`]), { out: "", err: "", code });
    }
  },

  "exec: a program that a signal ended has no exit code of its own": async (scene) => {
    const { code } = await runInside(await scene.shared(), ["/bin/sh", "-c", "kill -9 $$"]);
    assertKilled(code);
  },

  "exec: arguments as they are, without a shell": async (scene) => {
    const echo = 'for argument; do printf "%s\\0" "$argument"; done';
    const out = await shell(await scene.shared(), echo, ...ODD_ARGUMENTS);
    assert.deepEqual(out.split("\0").slice(0, -1), ODD_ARGUMENTS);
  },

  "exec: working directory and environment": async (scene) => {
    const sandbox = await scene.shared();
    const command = ["/bin/sh", "-c", 'pwd; printf "%s|%s|%s" "$ODD" "$SHOWN" "$AGENT_RUNTIME_WORKSPACE"'];
    const environment = { ODD: 'a b\'c\n"d" é $(x)' };
    const { out } = await runInside(sandbox, command, { cwd: "/tmp", environment });
    const [, workspace = ""] = /\|yes\|(.*)$/s.exec(out) ?? [];
    assert.equal(out, `/tmp\n${environment.ODD}|yes|${workspace}`);
    assert.equal((await runInside(sandbox, ["pwd"])).out, `${workspace}\n`);
    assert.equal((await runInside(sandbox, command)).out, `${workspace}\n|yes|${workspace}`);
    const { canary } = scene.subject;
    if (canary !== undefined) assert.ok(!(await shell(sandbox, "env")).includes(canary));
  },

  "exec: as the agent's user, in the runner's own processes and files": async (scene) => {
    const sandbox = await scene.shared();
    const id = await shell(sandbox, "id -u");
    const runner = await shell(sandbox, 'for p in /proc/[0-9]*; do tr "\\0" " " < $p/cmdline; echo; done');
    assert.match(runner, /runner\.mjs/);
    await shell(sandbox, '[ -O "$HOME" ] || [ -w "$HOME" ]');
    assert.match(id, /^\d+\n$/);
  },

  "exec: what cannot be started is refused, with the reason": async (scene) => {
    const sandbox = await scene.shared();
    await assertRefused(sandbox.exec(["no-such-program-3f1"]), "invalid_request");
    await assertRefused(sandbox.exec(["/tmp"]), "invalid_request");
    await assertRefused(sandbox.exec([]), "invalid_request");
    await assertRefused(sandbox.exec([""]), "invalid_request");
    await assertRefused(sandbox.exec(["true"], { cwd: "/no/such/folder" }), "invalid_request");
    await assertRefused(sandbox.exec(["true"], { cwd: "relative" }), "invalid_request");
    await assertRefused(sandbox.exec(["true", "a\0b"]), "invalid_request");
    await assertRefused(sandbox.exec(["true"], { environment: { "A=B": "1" } }), "invalid_request");
    await shell(sandbox, "true");
  },

  "exec: fifty at once, each with its own input and output": async (scene) => {
    const sandbox = await scene.shared();
    await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const process = await sandbox.exec(["/bin/sh", "-c", `cat; echo ${index} >&2; exit ${index}`]);
        process.stdin.end(`input ${index}`);
        const { out, err, code } = await finished(process);
        assert.deepEqual([out.toString(), err.toString(), code], [`input ${index}`, `${index}\n`, index]);
      }),
    );
  },

  "exec: an abort kills the program and what it has started": async (scene) => {
    const sandbox = await scene.shared();
    const abort = new AbortController();
    const script = "sleep 1000 & echo $$ $!; wait";
    const process = await sandbox.exec(["/bin/sh", "-c", script], { signal: abort.signal });
    const pids = await soon(
      "the program says its numbers",
      new Promise<string>((resolve) => {
        process.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString()));
      }),
    );
    abort.abort(new Error("enough"));
    const { code } = await finished(process);
    assertKilled(code);
    const alive = `for pid in ${pids.trim()}; do case "$(sed 's/.*) //' /proc/$pid/stat 2>/dev/null)" in ""|Z*|X*) ;; *) echo $pid;; esac; done`;
    await until("both are gone", async () => (await shell(sandbox, alive)) === "");
  },

  "exec: aborted before the start, nothing is started": async (scene) => {
    const sandbox = await scene.shared();
    const signal = AbortSignal.abort(new Error("never mind"));
    const file = `/tmp/aborted-${randomUUID()}`;
    await assert.rejects(sandbox.exec(["touch", file], { signal }), /never mind/);
    assert.equal((await runInside(sandbox, ["test", "-e", file])).code, 1);
  },

  "exec: an abort after the end changes nothing": async (scene) => {
    const abort = new AbortController();
    const done = await runInside(await scene.shared(), ["echo", "fine"], { signal: abort.signal });
    abort.abort();
    assert.deepEqual(done, { out: "fine\n", err: "", code: 0 });
    await shell(await scene.shared(), "true");
  },

  "exec: what a program leaves running does not hold back its end": async (scene) => {
    const sandbox = await scene.shared();
    const { out, code } = await runInside(sandbox, ["/bin/sh", "-c", "sleep 1000 & echo $!; exit 5"]);
    assert.equal(code, 5);
    assert.match(out, /^\d+\n$/);
    await shell(sandbox, `kill -9 ${out}`);
  },

  "exec: what was started in the background goes on when its starter has ended": async (scene) => {
    const sandbox = await scene.shared();
    const out = await shell(sandbox, "setsid sleep 1000 > /dev/null 2>&1 < /dev/null & echo $!");
    await shell(sandbox, "true");
    await shell(sandbox, `kill -0 ${out.trim()} && kill -9 ${out.trim()}`);
  },

  "exec: in a sandbox that is gone": async (scene) => {
    const sandbox = await scene.create();
    await sandbox.terminate();
    await assertRefused(sandbox.exec(["true"]), "sandbox_lost");
    await assertRefused(sandbox.readFile("/etc/passwd"), "sandbox_lost");
    await assertRefused(sandbox.writeFile("/tmp/x", Buffer.from("x")), "sandbox_lost");
  },
};
