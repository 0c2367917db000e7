/** Hits the limits of sandboxes where there are no control groups, and writes what came of it, as JSON. */
import { realpathSync } from "node:fs";
import { hostProvider } from "../../host-provider.ts";
import type { Sandbox, SandboxLimits } from "../../port.ts";
import { WITHOUT_END, listenInside, testSpec } from "../../testing/inside.ts";
import { bubblewrapLauncher } from "../launcher.ts";
import { Limiter } from "../limits/limiter.ts";
import { localScene } from "./scene.ts";

const MIB = 1024 * 1024;
const { dataDir, keep, end } = localScene();
const limiter = new Limiter(undefined, () => []);
const launcher = bubblewrapLauncher({
  program: () => "/usr/bin/bwrap",
  node: realpathSync(process.execPath),
  sizes: { tmp: 64 * MIB, shm: 64 * MIB },
  limiter,
  startTimeoutMs: 20_000,
});
const provider = hostProvider(launcher, { dataDir, pollMs: 100 });
const create = async (key: string, limits: SandboxLimits): Promise<Sandbox> =>
  keep(await provider.create(testSpec(key, { limits }), WITHOUT_END));

async function processes(): Promise<string> {
  const inside = await listenInside(await create("forks", { processes: 64 }));
  return inside.shell("i=0; while [ $i -lt 100 ]; do sleep 1000 >/dev/null 2>&1 & i=$((i+1)); done; echo all");
}

/** One process that takes too much finds no more. */
async function dataOfOne(): Promise<string> {
  const inside = await listenInside(await create("one", { memoryBytes: 300 * MIB }));
  // Taken and not used, so that nobody who looks at what is used is faster.
  const eat = "const kept = []; while (kept.length < 400) kept.push(Buffer.alloc(8e6))";
  return inside.shell(`node -e '${eat}' >/dev/null; echo "ended with $?"`);
}

/** Several that take too much together are ended with their sandbox. */
async function memoryOfMany(): Promise<string> {
  const sandbox = await create("many", { memoryBytes: 300 * MIB });
  const inside = await listenInside(sandbox);
  const eat = "globalThis.kept = Buffer.alloc(90e6, 1); setTimeout(() => undefined, 60000)";
  inside.shell(`for i in 1 2 3 4; do node -e '${eat}' & done; wait`).catch(() => undefined);
  return (await sandbox.ended).reason;
}

async function disk(): Promise<string> {
  const sandbox = await create("fills", { diskBytes: 4 * MIB });
  const inside = await listenInside(sandbox);
  const fill = "mkdir d; head -c 6000000 /dev/zero > d/a; chmod 0 d";
  inside.shell(fill).catch(() => undefined);
  return (await sandbox.ended).reason;
}

async function neighbour(): Promise<string> {
  const inside = await listenInside(await create("neighbour", {}));
  return inside.shell("echo from $(id -u); ulimit -n");
}

const results = {
  uid: process.getuid?.(),
  described: limiter.describe(),
  processes: await processes(),
  one: await dataOfOne(),
  many: await memoryOfMany(),
  disk: await disk(),
  neighbour: await neighbour(),
};
await end();
process.stdout.write(JSON.stringify(results));
