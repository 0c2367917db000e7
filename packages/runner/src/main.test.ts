import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runnerBundlePath } from "./manifest.ts";
import { FakeServer, until } from "./testing/fake-server.ts";
import { temporaryFolder } from "./testing/temporary-folder.ts";

let folder: ReturnType<typeof temporaryFolder>;
let server: FakeServer;
let child: ChildProcess | null;

beforeEach(async () => {
  folder = temporaryFolder();
  server = new FakeServer(join(folder.path, "runner.sock"));
  await server.listen();
  child = null;
});
afterEach(async () => {
  child?.kill("SIGKILL");
  await server.close();
  folder.remove();
});

/** The bundled runner with nothing of this environment but what is given. */
function start(more: Record<string, string> = {}) {
  // The bundle alone in a folder: what it needs must be in it.
  const bundle = join(folder.path, "runner.mjs");
  writeFileSync(bundle, readFileSync(runnerBundlePath()));
  const env = {
    AGENT_RUNTIME_WORKSPACE: join(folder.path, "workspace"),
    AGENT_RUNTIME_HOME: join(folder.path, "home"),
    AGENT_RUNTIME_STATE: join(folder.path, "state"),
    AGENT_RUNTIME_SOCKETS: folder.path,
    AGENT_RUNTIME_PACKAGES: folder.path,
    AGENT_RUNTIME_GENERATION: "1",
    AGENT_RUNTIME_MODEL_TOKEN: "token",
    ...more,
  };
  const started = spawn(process.execPath, [bundle], { env, stdio: ["ignore", "ignore", "pipe"] });
  child = started;
  return { stderr: text(started.stderr), exit: once(started, "exit").then(([code]) => code as number) };
}

describe("the runner's process", () => {
  it("starts from its bundle, dials the server, survives its death, and ends on SIGTERM with everything told", async () => {
    const { exit } = start();
    const first = await server.newest();
    first.attach();
    mkdirSync(join(folder.path, "workspace/sub"), { recursive: true });
    expect(await first.ask("c1", { kind: "sync" })).toMatchObject({ ok: true, data: { last: 0, count: 0 } });
    await server.close();
    await server.listen();
    const second = await server.newest();
    expect(await second.frame("hello")).toMatchObject({ generation: 1, fence: 1 });
    second.attach();
    await second.ask("c2", { kind: "sync" });
    child?.kill("SIGTERM");
    expect(await exit).toBe(0);
    await until(() => second.closed);
    expect(readFileSync(join(folder.path, "state/runner.log"), "utf8")).toContain("SIGTERM");
  });

  it("ends with 0 when it was alone for too long", async () => {
    await server.close();
    const { exit } = start({ AGENT_RUNTIME_ALONE_MS: "50" });
    expect(await exit).toBe(0);
  });

  it("says which variable is wrong", async () => {
    const { exit, stderr } = start({ AGENT_RUNTIME_GENERATION: "none" });
    expect(await exit).toBe(2);
    expect(await stderr).toMatch(/^runner: invalid_configuration: environment\.AGENT_RUNTIME_GENERATION/);
  });

  it("is small", () => {
    const code = readFileSync(runnerBundlePath(), "utf8").replace(/^\/\/# sourceMappingURL=.*$/m, "");
    expect(code.length).toBeLessThan(2_000_000);
    expect(statSync(runnerBundlePath()).size).toBeLessThan(8_000_000);
  });
});
