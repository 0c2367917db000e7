import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import { takeDataDir } from "./data-dir.ts";

test("is made for its owner alone, and taken once at a time", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "a", "b");
  const taken = takeDataDir(path);
  expect(statSync(path).mode & 0o777).toBe(0o700);
  expect(() => takeDataDir(path)).toThrow(new RegExp(`in use by another server \\(process ${process.pid}, since 20`));
  expect(() => takeDataDir(path)).toThrow("--data-dir");
  taken.release();
  expect(existsSync(join(path, "server.json"))).toBe(false);
  takeDataDir(path).release();
});

test("a server that was killed leaves no lock behind", async () => {
  using folder = temporaryFolder();
  const module = new URL("./data-dir.ts", import.meta.url).href;
  const code = `const { takeDataDir } = await import(${JSON.stringify(module)}); takeDataDir(${JSON.stringify(folder.path)}); gc(); console.log("taken"); setInterval(() => {}, 1000);`;
  const flags = ["--expose-gc", "--input-type=module", "-e", code];
  const child = spawn(process.execPath, flags, { stdio: ["ignore", "pipe", "ignore"] });
  const exited = once(child, "exit");
  try {
    await once(child.stdout, "data");
    expect(() => takeDataDir(folder.path)).toThrow(`process ${child.pid}`);
  } finally {
    child.kill("SIGKILL");
  }
  await exited;
  takeDataDir(folder.path).release();
});

test("one that cannot be written says so, with the remedy", () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "file");
  writeFileSync(file, "");
  for (const path of [file, join(file, "below"), "/proc/agent-runtime"]) {
    expect(() => takeDataDir(path)).toThrow(/cannot be used: .*Make it writable/);
  }
});
