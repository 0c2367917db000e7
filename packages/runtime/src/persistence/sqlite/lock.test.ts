import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sqlitePersistence } from "./index.ts";

let folder = "";
let file = "";
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agent-runtime-sqlite-"));
  file = join(folder, "test.db");
});

afterEach(async () => {
  for (const child of children.splice(0)) if (child.exitCode === null && child.signalCode === null) await killed(child);
  rmSync(folder, { recursive: true });
});

/** Another process with the file open. */
async function other(path: string): Promise<ChildProcess> {
  const module = new URL("./index.ts", import.meta.url).href;
  const code = `
    const { sqlitePersistence } = await import(${JSON.stringify(module)});
    await sqlitePersistence({ file: ${JSON.stringify(path)} }).open();
    console.log("open");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  await once(child.stdout, "data");
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

const refused = {
  code: "data_dir_unusable",
  message: expect.stringContaining("another server has this database open"),
};

test("a file that another process has is refused, by whichever name, until that process is gone", async () => {
  const child = await other(file);
  mkdirSync(join(folder, "elsewhere"));
  const alias = join(folder, "elsewhere", "alias.db");
  symlinkSync(file, alias);
  const through = join(folder, "linked");
  symlinkSync(folder, through);
  for (const name of [file, alias, join(through, "test.db")]) {
    await expect(sqlitePersistence({ file: name }).open?.()).rejects.toMatchObject(refused);
  }
  // Others may read, a backup for one.
  const reader = new Database(file, { readonly: true });
  expect(reader.prepare("select count(*) from sessions").pluck().get()).toBe(0);
  reader.close();
  await killed(child);
  const adapter = sqlitePersistence({ file });
  await adapter.open?.();
  expect(await adapter.listAllSessions()).toEqual([]);
  await adapter.close?.();
});

test("twice in one process is refused too; once closed, the file is free", async () => {
  const first = sqlitePersistence({ file });
  await first.open?.();
  await expect(sqlitePersistence({ file }).open?.()).rejects.toMatchObject(refused);
  // The refusal has not let go of it.
  await expect(sqlitePersistence({ file }).open?.()).rejects.toMatchObject(refused);
  await first.close?.();
  const second = sqlitePersistence({ file });
  await second.open?.();
  await second.close?.();
});

test("an opening that fails does not keep the file", async () => {
  const failing = sqlitePersistence({ file }, async () => (name) => {
    if (name === file) throw new Error("no");
    return new Database(name);
  });
  await expect(failing.open?.()).rejects.toMatchObject({ code: "data_dir_unusable" });
  const adapter = sqlitePersistence({ file });
  await adapter.open?.();
  await adapter.close?.();
});

test("databases in memory are as many as one likes, and make no file", async () => {
  const two = [sqlitePersistence({ file: ":memory:" }), sqlitePersistence({ file: ":memory:" })];
  for (const adapter of two) await adapter.open?.();
  for (const adapter of two) await adapter.close?.();
  expect(readdirSync(folder)).toEqual([]);
});
