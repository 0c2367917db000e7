import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { assertRefused, oddBytes } from "./assertions.ts";
import { shell } from "./inside.ts";
import type { ContractSandbox } from "./provider.ts";
import type { SandboxScene } from "./scene.ts";

const MIB = 1024 * 1024;

const ODD_NAMES = [
  " ",
  "a b",
  "-rf",
  "--help",
  "'quoted' \"twice\"",
  "line\nend",
  "$(id) `id` ${HOME} *?[a]",
  "back\\slash",
  "é €",
  "日本語 👩‍👩‍👧",
  "\u0001\u007f",
  ".hidden",
  "x".repeat(200),
];

/** A folder of the case's own, in the workspace. */
async function folderOf(sandbox: ContractSandbox): Promise<string> {
  return `${await shell(sandbox, 'printf %s "$AGENT_RUNTIME_WORKSPACE"')}/f-${randomUUID().slice(0, 8)}`;
}

export const fileCases: Record<string, (scene: SandboxScene) => Promise<void>> = {
  "files: bytes of every value, none at all, and 8 MiB": async (scene) => {
    const sandbox = await scene.shared();
    const folder = await folderOf(sandbox);
    for (const bytes of [oddBytes(70_001), Buffer.alloc(0), Buffer.from([0xff, 0xfe, 0x00, 0xc3]), oddBytes(8 * MIB)]) {
      const path = `${folder}/${bytes.length}`;
      await sandbox.writeFile(path, bytes);
      assert.ok((await sandbox.readFile(path)).equals(bytes), `${bytes.length} bytes`);
      const sum = createHash("sha256").update(bytes).digest("hex");
      assert.equal((await shell(sandbox, 'sha256sum < "$1"', path)).split(" ")[0], sum);
    }
  },

  "files: names of any letters": async (scene) => {
    const sandbox = await scene.shared();
    const folder = await folderOf(sandbox);
    for (const name of ODD_NAMES) {
      const path = `${folder}/${name}/${name}`;
      await sandbox.writeFile(path, Buffer.from(name));
      assert.equal((await sandbox.readFile(path)).toString("utf8"), name);
      assert.equal(await shell(sandbox, 'cat "$1"', path), name);
    }
    const left = await shell(
      sandbox,
      'find "$1" -type f | tr -d -c "\\n" | wc -l; find "$1" -type f -exec echo one \\; | wc -l',
      folder,
    );
    assert.equal(left.trim().split(/\s+/)[1], String(ODD_NAMES.length), "nothing else lies beside them");
  },

  "files: the mode that was asked for, 0644 without": async (scene) => {
    const sandbox = await scene.shared();
    const folder = await folderOf(sandbox);
    const modeOf = async (path: string): Promise<string> => (await shell(sandbox, 'stat -c %a "$1"', path)).trim();
    await sandbox.writeFile(`${folder}/plain`, Buffer.from("x"));
    assert.equal(await modeOf(`${folder}/plain`), "644");
    for (const mode of [0o600, 0o755, 0o400]) {
      await sandbox.writeFile(`${folder}/moded`, Buffer.from("x"), { mode });
      assert.equal(await modeOf(`${folder}/moded`), mode.toString(8));
    }
    await sandbox.writeFile(`${folder}/run`, Buffer.from("#!/bin/sh\necho ran\n"), { mode: 0o755 });
    assert.equal(await shell(sandbox, '"$1"', `${folder}/run`), "ran\n");
  },

  "files: whole or not at all, also for who reads meanwhile": async (scene) => {
    const sandbox = await scene.shared();
    const path = `${await folderOf(sandbox)}/whole`;
    const fill = (value: number): Buffer => Buffer.alloc(MIB, value);
    await sandbox.writeFile(path, fill(0));
    const write = async (): Promise<void> => {
      for (let value = 1; value <= 8; value += 1) await sandbox.writeFile(path, fill(value));
    };
    const read = async (): Promise<void> => {
      for (let round = 0; round < 8; round += 1) {
        const bytes = await sandbox.readFile(path);
        assert.ok(bytes.equals(fill(bytes[0] ?? -1)), "a reader saw two writes at once, or half of one");
      }
    };
    await Promise.all([write(), read(), read()]);
    assert.ok((await sandbox.readFile(path)).equals(fill(8)));
    assert.equal(await shell(sandbox, 'ls -A "$(dirname "$1")"', path), "whole\n");
  },

  "files: twenty at once": async (scene) => {
    const sandbox = await scene.shared();
    const folder = await folderOf(sandbox);
    const bytes = (index: number): Buffer => Buffer.alloc(10_000 + index, index);
    const all = Array.from({ length: 20 }, (_, index) => index);
    await Promise.all(all.map((index) => sandbox.writeFile(`${folder}/deep/${index}`, bytes(index))));
    await Promise.all(
      all.map(async (index) => assert.ok((await sandbox.readFile(`${folder}/deep/${index}`)).equals(bytes(index)))),
    );
  },

  "files: one above the bound is refused, one at it is not": async (scene) => {
    const sandbox = await scene.shared();
    const path = `${await folderOf(sandbox)}/bounded`;
    await sandbox.writeFile(path, oddBytes(100_000));
    assert.equal((await sandbox.readFile(path, { maxBytes: 100_000 })).length, 100_000);
    await assertRefused(sandbox.readFile(path, { maxBytes: 99_999 }), "payload_too_large");
    await shell(sandbox, 'truncate -s 65M "$1"', path);
    await assertRefused(sandbox.readFile(path), "payload_too_large");
    await shell(sandbox, 'rm "$1"', path);
  },

  "files: one that is not there": async (scene) => {
    const sandbox = await scene.shared();
    const folder = await folderOf(sandbox);
    await sandbox.writeFile(`${folder}/file`, Buffer.from("x"));
    await assertRefused(sandbox.readFile(`${folder}/none`), "file_not_found");
    await assertRefused(sandbox.readFile(`${folder}/none/none`), "file_not_found");
    await assertRefused(sandbox.readFile(`${folder}/file/none`), "file_not_found");
    await shell(sandbox, 'ln -s nowhere "$1"', `${folder}/dangling`);
    await assertRefused(sandbox.readFile(`${folder}/dangling`), "file_not_found");
  },

  "files: what is no file, and no path, is refused": async (scene) => {
    const sandbox = await scene.shared();
    const folder = await folderOf(sandbox);
    await sandbox.writeFile(`${folder}/file`, Buffer.from("x"));
    await shell(sandbox, 'mkfifo "$1/fifo"', folder);
    await assertRefused(sandbox.readFile(folder), "invalid_request");
    await assertRefused(sandbox.readFile(`${folder}/fifo`), "invalid_request");
    await assertRefused(sandbox.readFile("/dev/zero"), "invalid_request");
    await assertRefused(sandbox.writeFile(folder, Buffer.from("x")), "invalid_request");
    await assertRefused(sandbox.writeFile(`${folder}/file/below`, Buffer.from("x")), "invalid_request");
    for (const path of ["", "relative", `${folder}/`, `${folder}/a\0b`]) {
      await assertRefused(sandbox.readFile(path), "invalid_request");
      await assertRefused(sandbox.writeFile(path, Buffer.from("x")), "invalid_request");
    }
    assert.equal(await shell(sandbox, 'cat "$1"', `${folder}/file`), "x");
  },

  "files: links are followed inside, and replaced by a write": async (scene) => {
    const sandbox = await scene.shared();
    const folder = await folderOf(sandbox);
    await sandbox.writeFile(`${folder}/file`, Buffer.from("of the sandbox"));
    await shell(sandbox, 'cd "$1" && ln -s file link && ln -s /proc/1/environ out', folder);
    assert.equal((await sandbox.readFile(`${folder}/link`)).toString(), "of the sandbox");
    const { canary } = scene.subject;
    const outside = await sandbox.readFile(`${folder}/out`).catch(() => Buffer.alloc(0));
    if (canary !== undefined) assert.ok(!outside.includes(canary));
    await sandbox.writeFile(`${folder}/link`, Buffer.from("new"));
    assert.equal((await sandbox.readFile(`${folder}/link`)).toString(), "new");
  },
};
