import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const program = fileURLToPath(new URL("./sandboxes.ts", import.meta.url));
const few = ["--providers", "local", "--rounds", "1", "--execs", "2", "--sessions", "1"];

test("the benchmark measures each step beside the bare technology, and sessions with a warm pool beside those without", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...few]);
  const row = /^ *(\S.*?) {2,}(\d+)(?: +-?\d+\.\d){2}( +\d+\.\d)?$/gm;
  const rows = [...stdout.matchAll(row)].map(([, name, n, ratio]) => [name, Number(n), ratio !== undefined]);
  expect(rows).toEqual([
    ["sandbox ready, cold", 1, true],
    ["bubblewrap: a node that dials", 1, false],
    ["exec of true, a sandbox's first", 1, true],
    ["exec of true, later", 2, true],
    ["bubblewrap, a new one: true", 1, false],
    ["8 MiB written", 1, true],
    ["node:fs", 1, false],
    ["8 MiB read", 1, true],
    ["node:fs", 1, false],
    ["first delta, first message, cold", 1, true],
    ["first delta, first message, warm pool", 1, true],
    ["first delta, later message (warm)", 1, false],
    ["pool over warm, by rounds", 1, false],
    ["sandbox ready, cold", 1, false],
    ["sandbox ready, claimed from the pool", 1, false],
  ]);
  expect(stdout).not.toContain("NaN");
});
