import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { markedProcesses, processIdentity } from "../host-process.ts";
import type { Sandbox } from "../port.ts";
import { INNER_SCRIPT, WITHOUT_END, listenInside, testSpec } from "../testing/inside.ts";
import { unsafeProcessSandbox } from "./index.ts";

const dataDir = mkdtempSync(join(tmpdir(), "unsafe-test-"));
const opened: Sandbox[] = [];
const provider = () => unsafeProcessSandbox({ dataDir, pollMs: 20 });

async function create(key: string): Promise<Sandbox> {
  const sandbox = await provider().create(testSpec(key), WITHOUT_END);
  opened.push(sandbox);
  return sandbox;
}

afterAll(async () => {
  delete process.env["CANARY_KEY"];
  await Promise.all(opened.map((sandbox) => sandbox.terminate()));
  rmSync(dataDir, { recursive: true, force: true });
});

test("it runs in its own folders, with an environment of its own and the search path of the server", async () => {
  process.env["CANARY_KEY"] = "canary";
  const inside = await listenInside(await create("own"));
  const root = join(dataDir, "sandboxes", "own");
  const environment = await inside.run("return process.env");
  expect(environment).toMatchObject({
    AGENT_RUNTIME_WORKSPACE: join(root, "workspace"),
    AGENT_RUNTIME_STATE: join(root, "state"),
    HOME: join(root, "home"),
    SHOWN: "yes",
  });
  expect(environment).not.toHaveProperty("CANARY_KEY");
  expect(await inside.run("return process.cwd()")).toBe(join(root, "workspace"));
});

test("it is found again by another server, and ended with all that it has started", async () => {
  const first = await create("found");
  const inside = await listenInside(first);
  await inside.shell("setsid sleep 1000 >/dev/null 2>&1 & sleep 1000 >/dev/null 2>&1 &");
  await first.release();
  const second = await provider().attach(first.ref);
  expect(await (await listenInside(second!)).run("return 1")).toBe(1);
  await second!.terminate();
  expect(processIdentity(Number(first.ref["pid"]))).toBeNull();
  expect(markedProcesses("found").filter((pid) => processIdentity(pid) !== null)).toEqual([]);
  expect(existsSync(join(dataDir, "sandboxes", "found"))).toBe(false);
  expect(await provider().attach(first.ref)).toBeNull();
});

test("what its runner leaves running ends with it, also while no server looks", async () => {
  const sandbox = await create("alone");
  const inside = await listenInside(sandbox);
  await inside.shell("sleep 1000 >/dev/null 2>&1 &");
  expect(markedProcesses("alone").length).toBeGreaterThan(2);
  await inside.run("setTimeout(() => process.exit(0), 20)");
  await sandbox.release();
  await expect.poll(() => markedProcesses("alone").filter((pid) => processIdentity(pid) !== null)).toEqual([]);
});

test("its end is told with the exit code and the last lines of its log", async () => {
  const sandbox = await create("dies");
  const inside = await listenInside(sandbox);
  inside.run(`console.error("last words"); process.exit(3)`).catch(() => undefined);
  expect((await sandbox.ended).reason).toMatch(/exit code 3: [^]*last words/);
});

test("a harness package is found under the packages' folder", async () => {
  const spec = testSpec("packages", {
    runner: { bundle: INNER_SCRIPT, packages: { "@scope/testing": import.meta.dirname } },
  });
  const sandbox = await provider().create(spec, WITHOUT_END);
  opened.push(sandbox);
  const js = `return (await load("node:fs")).existsSync(process.env.AGENT_RUNTIME_PACKAGES + "/node_modules/@scope/testing/index.ts")`;
  expect(await (await listenInside(sandbox)).run(js)).toBe(true);
});
