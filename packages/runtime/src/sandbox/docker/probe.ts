import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";
import type { Sandbox } from "../port.ts";
import type { Engine } from "./engine.ts";
import { imageId } from "./image.ts";
import { dockerProvider } from "./provider.ts";
import type { DockerProviderOptions } from "./provider.ts";
import { NEEDS } from "./remedy.ts";

const TRIAL_MS = 60_000;

/** Says over the runner's socket what there is in the image. */
const TRIAL = `import { spawnSync } from "node:child_process";
import { createConnection } from "node:net";
const has = (name) => spawnSync(name, ["--version"]).status === 0;
const said = { node: process.versions.node, git: has("git"), bash: has("bash") };
const dial = () => {
  const socket = createConnection(process.env.AGENT_RUNTIME_SOCKETS + "/runner.sock");
  socket.on("error", (error) => { console.error(String(error)); setTimeout(dial, 100); });
  socket.on("connect", () => socket.write(JSON.stringify(said) + "\\n"));
};
dial();
`;

const Said = z.object({ node: z.string(), git: z.boolean(), bash: z.boolean() });

/** Proves that the engine is there and, where it has the image already, by a real sandbox that it can be used. */
export async function probeDocker(engine: Engine, options: DockerProviderOptions): Promise<void> {
  const { image } = options;
  const found = await imageId(engine, image);
  // Fetching it takes minutes; the first session does that, and shows how far it is.
  if (found === null && options.pull === "missing") return;
  const scratch = await mkdtemp(join(tmpdir(), "agent-probe-"));
  const signal = AbortSignal.timeout(TRIAL_MS);
  let sandbox: Sandbox | undefined;
  try {
    const bundle = join(scratch, "probe.mjs");
    await writeFile(bundle, TRIAL);
    const tags = { deployment: "probe", tenant: "probe", session: "probe", generation: "1" };
    sandbox = await dockerProvider(engine, { ...options, dataDir: scratch }).create(
      { key: randomUUID(), tags, runner: { bundle, packages: {} }, environment: {} },
      { signal, onProgress: () => undefined },
    );
    judge(image, await trial(sandbox, signal));
  } finally {
    await sandbox?.terminate();
    await rm(scratch, { recursive: true, force: true });
  }
}

async function trial(sandbox: Sandbox, signal: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const listener = await sandbox.accept("runner", (stream) => {
    const lines = createInterface({ input: stream });
    lines.on("error", () => undefined);
    lines.once("line", resolve);
  });
  const late = (): void => {
    const message =
      "A container of this engine did not reach the server's sockets. The engine must run on this host and see its folders; the Docker of another machine, or in a virtual machine, does not.";
    reject(new RuntimeError("isolation_unavailable", message));
  };
  signal.addEventListener("abort", late, { once: true });
  sandbox.ended.then(
    ({ reason }) => reject(new RuntimeError("sandbox_unavailable", `A trial sandbox ended: ${reason}`)),
    () => undefined,
  );
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", late);
    await listener.close();
  }
}

function judge(image: string, line: string): void {
  const said = Said.parse(JSON.parse(line));
  const [major = 0, minor = 0] = said.node.split(".").map(Number);
  const lacks = [
    ...(major > 22 || (major === 22 && minor >= 18) ? [] : [`Node 22.18 or newer (it has ${said.node})`]),
    ...(said.git ? [] : ["Git"]),
    ...(said.bash ? [] : ["bash"]),
  ];
  if (lacks.length === 0) return;
  throw new RuntimeError("sandbox_unavailable", `The image ${image} lacks ${lacks.join(", ")}. ${NEEDS}`);
}
