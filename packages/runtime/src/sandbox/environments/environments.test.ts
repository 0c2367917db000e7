import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localSandbox } from "../local/index.ts";
import { WITHOUT_END } from "../testing/inside.ts";
import { unsafeProcessSandbox } from "../unsafe-process/index.ts";
import { environmentScene, type EnvironmentScene } from "./testing/environment-scene.ts";
import { GREETERS } from "./testing/greeters.ts";

/** npm and pip take their time on a busy machine. */
const SLOW_MS = 120_000;
const PATIENT = { timeout: 20_000 };

let scene: EnvironmentScene;
beforeAll(async () => {
  scene = await environmentScene();
  await scene.registry.publish(GREETERS);
});
afterAll(() => scene[Symbol.asyncDispose]());

const providers = { local: localSandbox, "unsafe-process": unsafeProcessSandbox };

describe.each(Object.entries(providers))("%s", (name, make) => {
  test(
    "npm and pip packages, with what they need, are there for every program inside",
    async () => {
      const provider = make({ dataDir: scene.dataDir, pollMs: 20 });
      const install = scene.wants({ npm: ["greeter@^1.0.0"], pip: ["greeterpy==2.0.0"] });
      const inside = await scene.enter(provider, install);
      expect(await inside.shell("greet && greet-py")).toBe("hello from npm\nhello from pip\n");
      expect(await inside.shell(`node -e "console.log(require('greeter').greeting)"`)).toBe("hello from npm\n");
      const module = "import greeter from 'greeter'; console.log(greeter.greeting);";
      expect(await inside.shell(`mkdir -p sub && echo "${module}" > sub/a.mjs && node sub/a.mjs`)).toBe(
        "hello from npm\n",
      );
      expect(await inside.shell(`python3 -c "import greeterpy; greeterpy.main()"`)).toBe("hello from pip\n");
    },
    SLOW_MS,
  );

  test(
    "a project is made ready by its own command, with npm and pip at hand; the original stays as it was",
    async () => {
      const folder = join(scene.scratch, `project-${name}`);
      mkdirSync(join(folder, "node_modules"), { recursive: true });
      writeFileSync(join(folder, "server.sh"), "cat made; echo served", { mode: 0o755 });
      const installCommand = "npm --version > made && pip --version | cut -c1-3 >> made";
      const install = scene.wants({ projects: [{ name: "tool", folder, installCommand }] });
      const inside = await scene.enter(make({ dataDir: scene.dataDir, pollMs: 20 }), install);
      expect(await inside.shell(`cd "$AGENT_RUNTIME_ENVIRONMENT/projects/tool" && ls && sh server.sh`)).toMatch(
        /^made\nserver\.sh\n\d+\.\d+\.\d+\npip\nserved\n$/,
      );
      expect(await readdir(folder)).toEqual(["node_modules", "server.sh"]);
    },
    SLOW_MS,
  );
});

/** Where installs cost little: what is wanted is a project. */
function project(installCommand: string): { name: string; folder: string; installCommand: string } {
  const folder = join(scene.scratch, "empty");
  mkdirSync(folder, { recursive: true });
  return { name: "tool", folder, installCommand };
}

const environments = (): Promise<string[]> => readdir(join(scene.dataDir, "environments"));

test("nobody inside can change it, whoever else has it", async () => {
  const install = scene.wants({ projects: [project("echo original > file")] });
  const inside = await scene.enter(localSandbox({ dataDir: scene.dataDir, pollMs: 20 }), install);
  const place = "$AGENT_RUNTIME_ENVIRONMENT/projects/tool";
  const tries = [`echo changed > ${place}/file`, `touch ${place}/new`, `rm ${place}/file`, `chmod 777 ${place}`];
  for (const attempt of tries) expect(await inside.shell(`${attempt} && echo done`)).toMatch(/Read-only file system/);
  expect(await inside.shell(`cat ${place}/file`)).toBe("original\n");
});

test("it is set up once: who comes meanwhile waits and sees how far it is, who comes later has it at once", async () => {
  const provider = localSandbox({ dataDir: scene.dataDir, pollMs: 20 });
  const install = scene.wants({ npm: ["words@1.0.3"] });
  const before = scene.registry.asked.length;
  const held = scene.registry.hold();
  const told: string[][] = [[], [], []];
  const prepare = (index: number): Promise<void> =>
    provider.prepare!(scene.wanted(install), { ...WITHOUT_END, onProgress: (message) => told[index]!.push(message) });
  const first = prepare(0);
  await held.busy;
  const second = prepare(1);
  await expect.poll(() => told[1], PATIENT).not.toEqual([]);
  held.release();
  await Promise.all([first, second]);
  expect(told[0]).toContainEqual("Installing npm packages: words@1.0.3");
  expect(told[1]![0]).toMatch(/^Installing npm packages: words@1\.0\.3/);
  await prepare(2);
  expect(told[2]).toEqual([]);
  const asked = scene.registry.asked.slice(before).filter((path) => path.endsWith(".tgz"));
  expect(asked).toEqual(["/npm/words/-/words-1.0.3.tgz"]);
});

test(
  "an install that fails says so with the tool's own words, leaves nothing, and is tried again",
  async () => {
    const provider = localSandbox({ dataDir: scene.dataDir, pollMs: 20 });
    const before = await environments();
    const failure = async (wants: Parameters<EnvironmentScene["wants"]>[0]): Promise<RuntimeError> =>
      provider.prepare!(scene.wanted(scene.wants(wants)), WITHOUT_END).then(
        () => expect.unreachable(),
        (error: unknown) => error as RuntimeError,
      );
    const npm = await failure({ npm: ["there-is-none@1.0.0"] });
    expect(npm).toMatchObject({ code: "environment_failed" });
    expect(npm.message).toMatch(
      /^Installing npm packages: there-is-none@1\.0\.0 failed \(exit code 1\)\. It said last:\n/,
    );
    expect(npm.message).toMatch(/E404[^]*there-is-none/);
    const pip = await failure({ pip: ["missingpy>=3"] });
    expect(pip).toMatchObject({ code: "environment_failed" });
    expect(pip.message).toContain("No matching distribution found for missingpy>=3");
    const command = project(
      "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo line $i; done; echo the reason >&2; exit 7",
    );
    const own = await failure({ projects: [command] });
    expect(own.message).toMatch(/^Installing the project tool failed \(exit code 7\)\. It said last:\n[^]*the reason$/);
    expect(own.message.length).toBeLessThan(8_000);
    expect(await environments()).toEqual(before);
    const wheel = { name: "missingpy", version: "3.1.0", files: { "missingpy.py": "FOUND = 'found'\n" } };
    await scene.registry.publish({ wheels: [wheel] });
    const inside = await scene.enter(provider, scene.wants({ pip: ["missingpy>=3"] }));
    expect(await inside.shell("python3 -c 'import missingpy; print(missingpy.FOUND)'")).toBe("found\n");
  },
  SLOW_MS,
);

test("an install that is called off ends; one whose other waiter stays goes on", async () => {
  const provider = localSandbox({ dataDir: scene.dataDir, pollMs: 20 });
  const before = await environments();
  const slow = scene.wants({ projects: [project("echo here; sleep 1000")] });
  const off = new AbortController();
  const told: string[] = [];
  const waiting = provider.prepare!(scene.wanted(slow), {
    signal: off.signal,
    onProgress: (message) => told.push(message),
  });
  await expect.poll(() => told.join("\n"), PATIENT).toContain("here");
  off.abort(new Error("called off"));
  await expect(waiting).rejects.toThrow("called off");
  await expect.poll(environments, PATIENT).toEqual(before);
  expect(await readdir(join(scene.dataDir, "environments/.installs/sandboxes"))).toEqual([]);

  const shared = scene.wants({ projects: [project("echo started; while ! test -e $HOME/go; do sleep 0.05; done")] });
  const one = new AbortController();
  const first = provider.prepare!(scene.wanted(shared), { signal: one.signal, onProgress: () => undefined });
  const heard: string[] = [];
  const second = provider.prepare!(scene.wanted(shared), {
    ...WITHOUT_END,
    onProgress: (message) => heard.push(message),
  });
  await expect.poll(() => heard.join("\n"), PATIENT).toContain("started");
  one.abort(new Error("left"));
  await expect(first).rejects.toThrow("left");
  const [key = ""] = await readdir(join(scene.dataDir, "environments/.installs/sandboxes"));
  writeFileSync(join(scene.dataDir, "environments/.installs/sandboxes", key, "home", "go"), "");
  await second;
});

test("what takes more bytes than it may is ended, with the option that bounds it", async () => {
  const provider = localSandbox({ dataDir: scene.dataDir, pollMs: 20, environmentBytes: 4 * 1024 * 1024 });
  const install = scene.wants({ projects: [project("head -c 9000000 /dev/zero > big; sleep 1000")] });
  await expect(provider.prepare!(scene.wanted(install), WITHOUT_END)).rejects.toMatchObject({
    code: "environment_failed",
    message: expect.stringMatching(/more than 4 MiB.*environmentBytes/),
  });
});

test("the longest unused are removed beyond keepEnvironments, and never one that a sandbox has", async () => {
  const dataDir = join(scene.scratch, "kept");
  let now = Date.now();
  const provider = localSandbox({ dataDir, pollMs: 20, keepEnvironments: 1, now: () => (now += 1_000) });
  const [used, unused, newest] = ["used", "unused", "newest"].map((text) =>
    scene.wants({ projects: [project(`echo ${text} > file`)] }),
  );
  const inside = await scene.enter(provider, used!);
  await provider.prepare!(scene.wanted(unused!), WITHOUT_END);
  await provider.prepare!(scene.wanted(newest!), WITHOUT_END);
  expect(await inside.shell("cat $AGENT_RUNTIME_ENVIRONMENT/projects/tool/file")).toBe("used\n");
  const names = (await readdir(join(dataDir, "environments"))).filter((entry) => !entry.startsWith("."));
  const text = (entry: string): string =>
    readFileSync(join(dataDir, "environments", entry, "files/projects/tool/file"), "utf8");
  expect(names.map(text).toSorted()).toEqual(["newest\n", "used\n"]);
});
