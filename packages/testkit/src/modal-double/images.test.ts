import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ModalClient } from "modal";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cloud, run, startCloud } from "./testing/cloud.ts";

let folder: string;
let cloud: Cloud;
let server: Server;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "images-test-"));
  const packages = { "@some/tool": join(folder, "tool"), "@some/tool-binary": join(folder, "binary") };
  await Promise.all(Object.values(packages).map((path) => mkdir(path)));
  const manifest = { name: "@some/tool", version: "1.2.3", optionalDependencies: { "@some/tool-binary": "1.2.3" } };
  await writeFile(join(folder, "tool/package.json"), JSON.stringify({ ...manifest, main: "index.cjs" }));
  await writeFile(join(folder, "tool/index.cjs"), "module.exports = 'tool with ' + require('@some/tool-binary')");
  await writeFile(join(folder, "binary/package.json"), '{ "version": "1.2.3", "main": "index.cjs" }');
  await writeFile(join(folder, "binary/index.cjs"), "module.exports = 'binary'");
  server = createServer((_request, response) => response.end("from loopback")).listen(0, "127.0.0.1");
  await once(server, "listening");
  cloud = await startCloud({ packages, buildNetwork: true });
});
afterAll(async () => {
  await cloud.double.stop();
  server.close();
  await rm(folder, { recursive: true });
});

const imageOf = (...commands: string[]) => cloud.client.images.fromRegistry("node:24").dockerfileCommands(commands);
const reportOf = async (imageId: string) =>
  (await cloud.double.control.report()).images.find((image) => image.imageId === imageId)!;

// Each starts several sandboxes, or another double: on a busy machine that takes its time.
describe("images", { timeout: 120_000 }, () => {
  it("RUN really runs, ENV and WORKDIR hold for what follows and for sandboxes", async () => {
    const image = await imageOf(
      "RUN echo built > /opt/built",
      'ENV WHO="the image" OTHER=x',
      "WORKDIR /srv/app",
      'RUN echo "$WHO in $(pwd)" > said',
    ).build(cloud.app);
    const sandbox = await cloud.client.sandboxes.create(cloud.app, image);
    const { stdout } = await run(sandbox, ["sh", "-c", "cat /opt/built said; pwd; echo $OTHER"]);
    expect(stdout).toBe("built\nthe image in /srv/app\n/srv/app\nx\n");
    await run(sandbox, ["sh", "-c", "echo spoilt > /opt/built"]);
    const next = await cloud.client.sandboxes.create(cloud.app, image);
    expect((await run(next, ["cat", "/opt/built"])).stdout).toBe("built\n");
    await Promise.all([sandbox.terminate(), next.terminate()]);
  });

  it("is built once for its content, layer by layer", async () => {
    const lines = ["RUN date +%N > /opt/when"];
    const first = await imageOf(...lines).build(cloud.app);
    const second = await imageOf(...lines).build(cloud.app);
    expect(second.imageId).toBe(first.imageId);
    const more = await imageOf(...lines)
      .dockerfileCommands(["RUN cat /opt/when > /opt/then"])
      .build(cloud.app);
    expect(more.imageId).not.toBe(first.imageId);
    const other = await cloud.client.images
      .fromRegistry("node:24")
      .dockerfileCommands(lines, { env: { WITH: "variable" } })
      .build(cloud.app);
    expect(other.imageId).not.toBe(first.imageId);
  });

  it("a build that fails: the SDK says that it failed; what the command said is in the build's log", async () => {
    const failing = imageOf("RUN echo what went wrong >&2; exit 9");
    const error = await failing.build(cloud.app).then(
      () => null,
      (error: Error) => error.message,
    );
    const imageId = /im-\w+/u.exec(error!)![0];
    expect(error).toMatch(/See build logs/u);
    const { state, log } = await reportOf(imageId);
    expect(state).toBe("failed");
    expect(log).toMatch(/what went wrong\n.*container exit status: 9/su);
    await expect(imageOf("COPY --from=x a b").build(cloud.app)).rejects.toThrow(/failed/u);
  });

  it("the log comes over the wire too: a client's middleware sees it", async () => {
    const logs: string[] = [];
    const client = new ModalClient({
      ...cloud.double,
      tokenId: cloud.double.tokenId,
      logLevel: "error",
      grpcMiddleware: [
        async function* (call, options) {
          if (!call.responseStream) return yield* call.next(call.request, options);
          for await (const item of call.next(call.request, options)) {
            const { taskLogs = [] } = item as { taskLogs?: { data: string }[] };
            logs.push(...taskLogs.map(({ data }) => data));
            yield item;
          }
          return;
        },
      ],
    });
    const image = client.images.fromRegistry("x").dockerfileCommands(["RUN echo into the log; false"]);
    await expect(image.build(cloud.app)).rejects.toThrow(/failed/u);
    expect(logs.join("")).toContain("into the log\n");
  });

  it("npm packages of this machine are installed without a registry, at the version that is there", async () => {
    const image = await imageOf("RUN npm install --prefix /opt/harness @some/tool@1.2.3").build(cloud.app);
    const sandbox = await cloud.client.sandboxes.create(cloud.app, image, { workdir: "/opt/harness" });
    expect((await run(sandbox, ["node", "-p", "require('@some/tool')"])).stdout).toBe("tool with binary\n");
    expect((await run(sandbox, ["touch", "/opt/harness/node_modules/@some/tool/x"])).stderr).toContain("Read-only");
    const later = await image
      .dockerfileCommands(["RUN cd /opt/harness && node -p \"require('@some/tool')\""])
      .build(cloud.app);
    expect((await reportOf(later.imageId)).log).toContain("tool with binary");
    await sandbox.terminate();
    await expect(imageOf("RUN npm install @some/tool@9.9.9").build(cloud.app)).rejects.toThrow(/failed/u);
  });

  it("a build reaches a registry on loopback when it was told to, a sandbox never does", async () => {
    const { port } = server.address() as AddressInfo;
    const get = `fetch('http://127.0.0.1:${port}').then((r) => r.text()).then(console.log, () => console.log('nothing'))`;
    const image = await imageOf(`RUN node -e "${get}" > /opt/got`).build(cloud.app);
    const sandbox = await cloud.client.sandboxes.create(cloud.app, image);
    expect((await run(sandbox, ["cat", "/opt/got"])).stdout).toBe("from loopback\n");
    expect((await run(sandbox, ["node", "-e", get])).stdout).toBe("nothing\n");
    await sandbox.terminate();
    await using isolated = await startCloud();
    const alone = isolated.client.images
      .fromRegistry("x")
      .dockerfileCommands([`RUN test "$(node -e "${get}")" = nothing`]);
    expect((await alone.build(isolated.app)).imageId).toMatch(/^im-/u);
  });

  it("links that a sandbox left where the system is laid over lead nowhere", async () => {
    const target = join(folder, "target");
    await mkdir(target);
    const sandbox = await cloud.sandbox({ timeoutMs: 600_000 });
    // While bubblewrap makes a sandbox, this machine's files are at /oldroot.
    const link = `cd / && mv __modal mine && ln -s /oldroot${target} __modal`;
    expect((await run(sandbox, ["sh", "-c", link])).code).toBe(0);
    const again = sandbox.snapshotFilesystem().then((image) => cloud.client.sandboxes.create(cloud.app, image));
    await expect(again).rejects.toThrow(/a link at \/__modal/u);
    expect(await readdir(target)).toEqual([]);
    await sandbox.terminate();
  });

  it("a snapshot of a sandbox's file system is an image, which outlives the sandbox", async () => {
    const sandbox = await cloud.client.sandboxes.create(cloud.app, await imageOf("ENV KEPT=yes").build(cloud.app));
    await run(sandbox, ["sh", "-c", "mkdir /workspace; echo saved > /workspace/file; ln -s file /workspace/link"]);
    const snapshot = await sandbox.snapshotFilesystem();
    await run(sandbox, ["sh", "-c", "echo later > /workspace/file"]);
    await sandbox.terminate();
    const again = await cloud.client.images.fromId(snapshot.imageId);
    const restored = await cloud.client.sandboxes.create(cloud.app, again);
    expect((await run(restored, ["sh", "-c", "cat /workspace/link; echo $KEPT"])).stdout).toBe("saved\nyes\n");
    await restored.terminate();
    await cloud.client.images.delete(snapshot.imageId);
    await expect(cloud.client.images.fromId(snapshot.imageId)).rejects.toThrow(/Could not find/u);
  });
});
