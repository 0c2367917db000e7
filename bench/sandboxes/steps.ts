import { randomUUID } from "node:crypto";
import type { Sandbox, SandboxProvider } from "@hhopkins/agent-runtime";
import { buffer } from "node:stream/consumers";
import { now } from "../clock.ts";
import { DIALLER, FILE_BYTES, expectFile, timed } from "./bare.ts";

const PATIENCE_MS = 120_000;

/** One sandbox of a provider, from its creation on; milliseconds. */
export interface Steps {
  /** Until the program in it has dialled. */
  readonly ready: number;
  /** The first `true`, which starts what later ones find. */
  readonly firstExec: number;
  readonly execs: readonly number[];
  readonly write: number;
  readonly read: number;
}

/** How long it takes to end it is not measured. */
export async function measureSteps(provider: SandboxProvider, execs: number): Promise<Steps> {
  const from = now();
  const sandbox = await createDialled(provider);
  const ready = now() - from;
  try {
    const firstExec = await timed(() => exec(sandbox, ["true"]));
    const folder = (await exec(sandbox, ["pwd"])).toString().trim();
    const times: number[] = [];
    for (let index = 0; index < execs; index++) times.push(await timed(() => exec(sandbox, ["true"])));
    const path = `${folder}/file.bin`;
    const write = await timed(() => sandbox.writeFile(path, FILE_BYTES));
    const read = await timed(async () => expectFile(await sandbox.readFile(path)));
    return { ready, firstExec, execs: times, write, read };
  } finally {
    await sandbox.terminate();
  }
}

async function createDialled(provider: SandboxProvider): Promise<Sandbox> {
  const key = `bench-${randomUUID()}`;
  const sandbox = await provider.create(
    {
      key,
      tags: { deployment: "bench", tenant: "default", session: key, generation: "1" },
      runner: { bundle: DIALLER, packages: {} },
      environment: {},
    },
    { signal: AbortSignal.timeout(PATIENCE_MS), onProgress: () => undefined },
  );
  const dialled = Promise.withResolvers<void>();
  await sandbox.accept("runner", () => dialled.resolve());
  const ended = sandbox.ended.then(({ reason }) => Promise.reject(new Error(`the sandbox ended: ${reason}`)));
  ended.catch(() => undefined);
  await Promise.race([dialled.promise, ended]);
  return sandbox;
}

async function exec(sandbox: Sandbox, command: readonly string[]): Promise<Buffer> {
  const { stdin, stdout, stderr, exited } = await sandbox.exec(command);
  stdin.end();
  stderr.resume();
  const [said, { code }] = await Promise.all([buffer(stdout), exited]);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}`);
  return said;
}
