import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { forgetNode, previousNodes } from "./previous-nodes.ts";

const warnings: string[] = [];
const log = {
  debug() {},
  info() {},
  error() {},
  warn: (_about: object, message: string) => void warnings.push(message),
};
let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "previous-nodes-"));
  warnings.length = 0;
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

const start = (nodeId: string) => previousNodes({ nodeId, dataDir, log });
const written = async () => (await readdir(join(dataDir, "nodes"))).toSorted();

/** As the process `pid` would have written it. */
async function wrote(nodeId: string, more: object): Promise<void> {
  const known = JSON.parse(await readFile(join(dataDir, "nodes", "self.json"), "utf8")) as object;
  await writeFile(join(dataDir, "nodes", `${nodeId}.json`), JSON.stringify({ ...known, nodeId, ...more }));
}

test("nodes whose process has ended are found; living ones, and those of another machine, are left alone", async () => {
  expect(await start("self")).toEqual([]);
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  await wrote("ended", { pid: child.pid });
  await wrote("another-process-with-its-number", { started: "long ago" });
  await wrote("elsewhere", { host: `${hostname()}-2`, pid: child.pid });
  expect((await start("next")).toSorted()).toEqual(["another-process-with-its-number", "ended"]);
  await forgetNode({ nodeId: "ended", dataDir, log });
  expect(await written()).toEqual(["another-process-with-its-number.json", "elsewhere.json", "next.json", "self.json"]);
});

test("one that was killed while it wrote does not disturb; a folder that cannot be made is a warning", async () => {
  await start("self");
  await writeFile(join(dataDir, "nodes", "half.json"), '{"nodeId":"ha');
  expect(await start("next")).toEqual([]);
  expect(await written()).toEqual(["next.json", "self.json"]);
  await writeFile(join(dataDir, "file"), "");
  expect(await previousNodes({ nodeId: "x", dataDir: join(dataDir, "file"), log })).toEqual([]);
  expect(warnings).toHaveLength(1);
});
