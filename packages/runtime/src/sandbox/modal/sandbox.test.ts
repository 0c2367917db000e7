import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { startModalDouble } from "@hhopkins/agent-runtime-testkit/modal-double";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { WITHOUT_END, listenInside, testSpec } from "../testing/inside.ts";
import { onDouble } from "./testing/on-double.ts";
import type { OnDouble } from "./testing/on-double.ts";

// Images are copied, and the SDK has pauses of its own.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let on: OnDouble;
let project: string;
beforeAll(async () => {
  on = await onDouble();
  project = await mkdtemp(join(tmpdir(), "modal-project-"));
  await writeFile(join(project, "in.txt"), "of the project\n");
});
afterAll(async () => {
  await on.close();
  await rm(project, { recursive: true, force: true });
});

/** What a profile wants; the registries are not asked here. */
const wanted = {
  hash: "0".repeat(64),
  npm: [] as string[],
  pip: [] as string[],
  registries: { npm: "http://127.0.0.1:9/", pip: "http://127.0.0.1:9/simple" },
  installer: { bundle: "", packages: {} },
  proxy: { token: "", serve: () => undefined },
};

const text = async (stream: AsyncIterable<Buffer>): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
};

test("a sandbox has what was asked for, its runner dials in, and nothing of it is left after its end", async () => {
  const provider = on.provider({ cpu: 0.5, memoryMiB: 512, region: "us-east", gpu: "T4" });
  const spec = testSpec("first", { limits: { cpus: 2, memoryBytes: 1024 ** 3 } });
  const progress: string[] = [];
  const sandbox = await provider.create(spec, { ...WITHOUT_END, onProgress: (message) => progress.push(message) });
  const inside = await listenInside(sandbox);
  expect(await inside.run("return process.env.SHOWN")).toBe("yes");
  expect(await inside.run("return process.env.AGENT_RUNTIME_WORKSPACE")).toBe("/workspace");
  expect(progress).toContain("Starting the sandbox on Modal");
  const found = (await on.double.control.report()).sandboxes.find(({ sandboxId }) => sandboxId === sandbox.id);
  expect(found).toMatchObject({ state: "running", tags: { ...spec.tags, key: "first" } });
  expect(found?.definition).toMatchObject({
    timeoutSecs: 86_400,
    networkAccess: { networkAccessType: 2 },
    resources: { milliCpu: 500, milliCpuMax: 2000, memoryMb: 512, memoryMbMax: 1024, gpuConfig: { gpuType: "T4" } },
    schedulerPlacement: { regions: ["us-east"] },
  });
  await sandbox.terminate();
  expect(await sandbox.status()).toBe("gone");
  expect((await sandbox.ended).reason).toContain("terminated");
  expect((await on.double.control.report()).unknownCalls).toEqual([]);
});

test("programs and files, through the line", async () => {
  const sandbox = await on.provider().create(testSpec("programs"), WITHOUT_END);
  const process = await sandbox.exec(["/bin/sh", "-c", "cat; echo out; echo err >&2; exit 3"]);
  process.stdin.end("in ");
  const [out, err, { code }] = await Promise.all([text(process.stdout), text(process.stderr), process.exited]);
  expect([out, err, code]).toEqual(["in out\n", "err\n", 3]);
  const bytes = randomBytes(3_000_000);
  await sandbox.writeFile("/workspace/a/b.bin", bytes);
  const read = await sandbox.readFile("/workspace/a/b.bin");
  expect(createHash("sha256").update(read).digest("hex")).toBe(createHash("sha256").update(bytes).digest("hex"));
  await sandbox.terminate();
});

test("another server finds it by its reference and has the line; the first one's is cut and not taken back", async () => {
  const [first, second] = [on.provider(), on.provider()];
  const sandbox = await first.create(testSpec("attach"), WITHOUT_END);
  const streams: Duplex[] = [];
  await sandbox.accept("runner", (stream) => streams.push(stream));
  await vi.waitFor(() => expect(streams).toHaveLength(1));
  const [listed] = (await second.list({ deployment: "test" })).filter(({ tags }) => tags.session === "attach");
  expect(listed?.ref).toEqual(sandbox.ref);
  const again = await second.attach(JSON.parse(JSON.stringify(listed?.ref)));
  const inside = await listenInside(again!);
  expect(await inside.shell("echo here")).toBe("here\n");
  await vi.waitFor(() => expect(streams[0]?.destroyed).toBe(true));
  expect(await sandbox.status()).toBe("running");
  await again!.terminate();
  expect(await first.attach(sandbox.ref)).toBeNull();
});

test("image, life and idle time are Modal's; a harness's packages and the profile's wishes are layers, made once", async () => {
  const packages = {
    "@anthropic-ai/claude-agent-sdk": fileURLToPath(
      new URL(".", import.meta.resolve("@anthropic-ai/claude-agent-sdk")),
    ),
  };
  await using own = await startModalDouble({ packages });
  const provider = on.provider({
    image: "registry.example.com/base:1",
    timeoutMs: 3_600_000,
    idleTimeoutMs: 1_800_000,
    tokenId: own.tokenId,
    tokenSecret: own.tokenSecret,
  });
  process.env["MODAL_SERVER_URL"] = own.url;
  const install = {
    ...wanted,
    npm: [],
    projects: [{ name: "tool", folder: project, installCommand: "cat in.txt > out.txt" }],
  };
  const spec = testSpec("layers", { install, runner: { ...testSpec("x").runner, packages } });
  const sandbox = await provider.create(spec, WITHOUT_END);
  const { sandboxes, images } = await own.control.report();
  expect(sandboxes[0]?.definition).toMatchObject({ timeoutSecs: 3600, idleTimeoutSecs: 1800 });
  expect(images.flatMap(({ commands }) => commands).join("\n")).toMatch(
    /^RUN npm install .* @anthropic-ai\/claude-agent-sdk@\d/m,
  );
  const inside = await listenInside(sandbox);
  expect(await inside.shell("cat $AGENT_RUNTIME_ENVIRONMENT/projects/tool/out.txt")).toBe("of the project\n");
  expect(await inside.shell("ls $AGENT_RUNTIME_PACKAGES/node_modules/@anthropic-ai")).toContain("claude-agent-sdk");
  const again = await provider.create({ ...spec, key: "layers-2" }, WITHOUT_END);
  expect((await own.control.report()).images).toHaveLength(images.length);
  await Promise.all([sandbox.terminate(), again.terminate()]);

  const wrong = {
    ...install,
    hash: "1".repeat(64),
    projects: [{ ...install.projects[0]!, installCommand: "echo no such thing >&2; exit 4" }],
  };
  await expect(provider.create(testSpec("wrong", { install: wrong }), WITHOUT_END)).rejects.toMatchObject({
    code: "environment_failed",
    message: expect.stringContaining("no such thing"),
  });
  process.env["MODAL_SERVER_URL"] = on.double.url;
});
