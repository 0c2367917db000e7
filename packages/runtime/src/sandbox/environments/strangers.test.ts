import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { dockerScene } from "../docker/testing/scene.ts";
import { localSandbox } from "../local/index.ts";
import type { EnvironmentSpec, SandboxProvider } from "../port.ts";
import { WITHOUT_END } from "../testing/inside.ts";
import { unsafeProcessSandbox } from "../unsafe-process/index.ts";
import { environmentScene, type EnvironmentScene } from "./testing/environment-scene.ts";
import { probePackage, type ProbeFindings } from "./testing/probe.ts";

const SLOW_MS = 120_000;
const CANARY = "canary-5e1d77";

let scene: EnvironmentScene;
const server = createServer((_, response) => response.end(CANARY));
// Its environment is what `/proc/PID/environ` shows to whoever may read it.
const neighbour = spawn("sleep", ["1000"], { env: { CANARY_KEY: CANARY, PATH: process.env["PATH"] } });

beforeAll(async () => {
  scene = await environmentScene();
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  writeFileSync(join(scene.dataDir, "api-key"), CANARY);
  const other = join(scene.dataDir, "environments", "other", "files");
  mkdirSync(other, { recursive: true });
  writeFileSync(join(other, "file"), CANARY);
  await scene.registry.publish({
    npm: [
      probePackage({
        canary: CANARY,
        paths: [join(scene.dataDir, "api-key"), other],
        port: (server.address() as AddressInfo).port,
      }),
    ],
  });
});
afterAll(async () => {
  neighbour.kill("SIGKILL");
  server.closeAllConnections();
  server.close();
  await scene[Symbol.asyncDispose]();
});

async function findings(provider: SandboxProvider, more: Partial<EnvironmentSpec> = {}): Promise<ProbeFindings> {
  const inside = await scene.enter(provider, { ...scene.wants({ npm: ["probe@1.0.0"] }), ...more });
  const text = await inside.shell("cat $AGENT_RUNTIME_ENVIRONMENT/node_modules/probe/findings.json");
  return JSON.parse(text) as ProbeFindings;
}

test(
  "an install script that looks for a canary finds it where nothing isolates it, which proves the looking",
  async () => {
    const { port } = server.address() as AddressInfo;
    const hole = { proxy: scene.proxyTo([`127.0.0.1:${port}`]) };
    const found = await findings(unsafeProcessSandbox({ dataDir: scene.dataDir, pollMs: 20 }), hole);
    expect(found.files).toEqual([
      join(scene.dataDir, "api-key"),
      join(scene.dataDir, "environments", "other", "files", "file"),
    ]);
    expect(found.processes).toContain(`/proc/${neighbour.pid}/environ`);
    expect(found).toMatchObject({ loopback: ["said it"], loopbackByProxy: ["said it"] });
  },
  SLOW_MS,
);

const NOTHING: ProbeFindings = { files: [], processes: [], loopback: [], loopbackByProxy: [], environment: [] };

test(
  "in a sandbox it finds nothing: no file, no process, no service of the host, no other environment",
  async () => {
    expect(await findings(localSandbox({ dataDir: scene.dataDir, pollMs: 20 }))).toEqual(NOTHING);
  },
  SLOW_MS,
);

test(
  "in a container it finds nothing either",
  async (context) => {
    const docker = await dockerScene();
    docker.orSkip(context);
    try {
      expect(await findings(docker.provider({ dataDir: scene.dataDir }))).toEqual(NOTHING);
    } finally {
      await docker.end();
    }
  },
  SLOW_MS,
);

test("a link in the place of node_modules, which is mounted by itself, is refused", async () => {
  const provider = localSandbox({ dataDir: scene.dataDir, pollMs: 20 });
  const folder = join(scene.scratch, "project");
  mkdirSync(folder);
  for (const [name, put] of Object.entries({ link: `ln -s / ../../node_modules`, file: "touch ../../node_modules" })) {
    const installCommand = `rm -r ../../node_modules && ${put}`;
    const install = scene.wants({ projects: [{ name, folder, installCommand }] });
    await expect(provider.prepare!(scene.wanted(install), WITHOUT_END), name).rejects.toMatchObject({
      code: "environment_failed",
      message: "After the installation, node_modules is no folder any more.",
    });
  }
});

test(
  "what an installing sandbox says is checked: lies without end, or that are no report, end it",
  async () => {
    const provider = localSandbox({ dataDir: scene.dataDir, pollMs: 20 });
    const installer = (name: string, js: string): string => {
      const file = join(scene.scratch, `${name}.mjs`);
      writeFileSync(
        file,
        `import { connect } from "node:net";
       const dial = () => {
         const socket = connect(process.env.AGENT_RUNTIME_SOCKETS + "/runner.sock", () => { ${js} });
         socket.on("error", () => setTimeout(dial, 20));
       };
       dial();`,
      );
      return file;
    };
    const lies = {
      words: `socket.write("what?\\n")`,
      report: `socket.write(JSON.stringify({ type: "step", label: 7 }) + "\\n")`,
      line: `const more = () => { while (socket.write("x".repeat(65536))); socket.once("drain", more); }; more()`,
      end: `socket.end()`,
    };
    for (const [name, js] of Object.entries(lies)) {
      const install = scene.wants({ npm: [`lie-${name}@1.0.0`] });
      const lying = { ...install, installer: { bundle: installer(name, js), packages: {} } };
      await expect(provider.prepare!(scene.wanted(lying), WITHOUT_END), name).rejects.toMatchObject({
        code: "environment_failed",
        message: expect.stringMatching(/broke off/),
      });
    }
    const dies = { bundle: installer("dies", `console.error("last words"); process.exit(9)`), packages: {} };
    const install = { ...scene.wants({ npm: ["lie-dies@1.0.0"] }), installer: dies };
    await expect(provider.prepare!(scene.wanted(install), WITHOUT_END)).rejects.toMatchObject({
      code: "environment_failed",
    });
  },
  SLOW_MS,
);
