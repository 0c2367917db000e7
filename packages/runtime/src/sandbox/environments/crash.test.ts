import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runnerBundlePath } from "@hhopkins/agent-runtime-runner/manifest";
import { afterAll, beforeAll, expect, test } from "vitest";
import { processIdentity } from "../host-process.ts";
import { localSandbox } from "../local/index.ts";
import { WITHOUT_END } from "../testing/inside.ts";
import { environmentScene, type EnvironmentScene } from "./testing/environment-scene.ts";

let scene: EnvironmentScene;
beforeAll(async () => {
  scene = await environmentScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

const PREPARING = fileURLToPath(new URL("testing/preparing.ts", import.meta.url));

test("a server that dies while it installs leaves a half that the next one ends, removes and makes anew", async () => {
  const folder = join(scene.scratch, "project");
  mkdirSync(folder);
  const command = "echo half > file; echo here; sleep 1000";
  const given = [scene.dataDir, runnerBundlePath(), folder, command];
  const server = spawn(process.execPath, [PREPARING, ...given], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  server.stdout.on("data", (chunk: Buffer) => (said += String(chunk)));
  await expect.poll(() => said, { timeout: 60_000 }).toContain("here");
  server.kill("SIGKILL");
  await once(server, "exit");
  const installs = join(scene.dataDir, "environments/.installs/sandboxes");
  const [key = ""] = readdirSync(installs);
  const record = JSON.parse(await readFile(join(installs, key, "sandbox.json"), "utf8")) as {
    process: { pid: number };
  };
  expect(processIdentity(record.process.pid)).not.toBeNull();
  expect(existsSync(join(scene.dataDir, "environments", key, "files/projects/tool/file"))).toBe(true);

  const next = localSandbox({ dataDir: scene.dataDir, pollMs: 20 });
  await next.list({ deployment: "test" });
  expect(processIdentity(record.process.pid)).toBeNull();
  expect(existsSync(installs)).toBe(false);
  const whole = scene.wants({
    projects: [{ name: "tool", folder, installCommand: "test ! -e file && echo whole > file" }],
  });
  const inside = await scene.enter(next, { ...whole, hash: "0".repeat(64) });
  expect(await inside.shell("cat $AGENT_RUNTIME_ENVIRONMENT/projects/tool/file")).toBe("whole\n");
  await next.prepare!(scene.wanted({ ...whole, hash: "0".repeat(64) }), WITHOUT_END);
}, 120_000);
