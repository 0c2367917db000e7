import { createInterface } from "node:readline";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Sandbox, SandboxSpec } from "../port.ts";

/** The script that stands in for the runner. */
export const INNER_SCRIPT = fileURLToPath(new URL("inner.mjs", import.meta.url));

export function testSpec(key: string, more: Partial<SandboxSpec> = {}): SandboxSpec {
  return {
    key,
    tags: { deployment: "test", tenant: "default", session: key, generation: "1" },
    runner: { bundle: INNER_SCRIPT, packages: {} },
    environment: { SHOWN: "yes" },
    ...more,
  };
}

export const WITHOUT_END = { signal: new AbortController().signal, onProgress: () => undefined };

export interface Inside {
  /** Evaluates the body of an async function in the sandbox; `load(name)` imports there. Throws what it throws. */
  run(js: string): Promise<unknown>;
  /** Runs a shell command in the sandbox: its output, standard error with it. */
  shell(command: string): Promise<string>;
  close(): Promise<void>;
}

/** Listens as the server does, and waits until the inner script has dialled. */
export async function listenInside(sandbox: Sandbox): Promise<Inside> {
  const dialled = Promise.withResolvers<Duplex>();
  const listener = await sandbox.accept("runner", (stream) => dialled.resolve(stream));
  const ended = sandbox.ended.then(({ reason }) => Promise.reject(new Error(reason)));
  const stream = await Promise.race([dialled.promise, ended]);
  const reader = createInterface({ input: stream });
  reader.on("error", () => undefined);
  const lines = reader[Symbol.asyncIterator]();
  async function run(js: string): Promise<unknown> {
    stream.write(`${JSON.stringify({ js })}\n`);
    const line = await lines.next();
    if (line.done === true) throw new Error("the sandbox has hung up");
    const answer = JSON.parse(line.value) as { value?: unknown; error?: string };
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.value;
  }
  return {
    run,
    async shell(command) {
      const js = `const { spawnSync } = await load("node:child_process");
        const done = spawnSync("/bin/sh", ["-c", ${JSON.stringify(`exec 2>&1; ${command}`)}], { encoding: "utf8" });
        return done.stdout;`;
      return String(await run(js));
    },
    close: () => listener.close(),
  };
}
