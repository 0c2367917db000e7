import assert from "node:assert/strict";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Duplex, Readable } from "node:stream";
import type { ContractExecOptions, ContractProcess, ContractSandbox } from "./provider.ts";

/** Longest wait for something that has to come, in ms: a case that hangs says where, and the others go on. */
const PATIENCE_MS = 60_000;

/** Rejects with what was waited for, when it does not come. */
export async function soon<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain: ${what}`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks until the condition holds. */
export async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A conversation with the stand-in for the runner. */
export interface Inside {
  /** Evaluates the body of an async function; `load(name)` imports there, `state` lives as long as the runner. */
  run(js: string): Promise<unknown>;
  /** The stream over which it goes now. */
  readonly stream: Duplex;
  close(): Promise<void>;
}

/** Listens on `runner` as a server does, until the runner has dialled. */
export async function listenInside(sandbox: ContractSandbox): Promise<Inside> {
  const dialled = Promise.withResolvers<Duplex>();
  const listener = await sandbox.accept("runner", (stream) => {
    stream.on("error", () => undefined);
    dialled.resolve(stream);
  });
  const lost = sandbox.ended.then(({ reason }) => Promise.reject(new Error(`the sandbox has ended: ${reason}`)));
  const stream = await soon("the runner dials", Promise.race([dialled.promise, lost]));
  return { run: asker(stream), stream, close: () => listener.close() };
}

/** Sends commands over a stream of the runner, and reads the answers. */
export function asker(stream: Duplex): (js: string) => Promise<unknown> {
  const reader = createInterface({ input: stream });
  reader.on("error", () => undefined);
  // A stream that is cut has no end.
  stream.once("close", () => reader.close());
  const lines = reader[Symbol.asyncIterator]();
  return async (js) => {
    stream.write(`${JSON.stringify({ js })}\n`);
    const line = await soon("the runner answers", lines.next());
    if (line.done === true) throw new Error("the runner has hung up");
    const answer = JSON.parse(line.value) as { value?: unknown; error?: string };
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.value;
  };
}

/** Runs a program to its end: what it said on both outputs. */
export async function finished(process: ContractProcess): Promise<{ out: Buffer; err: Buffer; code: number | null }> {
  const [out, err, { code }] = await soon(
    "the program ends",
    Promise.all([collected(process.stdout), collected(process.stderr), process.exited]),
  );
  return { out, err, code };
}

/** Runs a program without input. */
export async function runInside(
  sandbox: ContractSandbox,
  command: readonly string[],
  options?: ContractExecOptions,
): Promise<{ out: string; err: string; code: number | null }> {
  const process = await soon(`exec of ${command[0]}`, sandbox.exec(command, options));
  process.stdin.on("error", () => undefined);
  process.stdin.end();
  const { out, err, code } = await finished(process);
  return { out: out.toString("utf8"), err: err.toString("utf8"), code };
}

/** The output of a shell command that must succeed. */
export async function shell(sandbox: ContractSandbox, script: string, ...parameters: string[]): Promise<string> {
  const { out, err, code } = await runInside(sandbox, ["/bin/sh", "-c", script, "sh", ...parameters]);
  assert.equal(code, 0, `${script}: ${out}${err}`);
  return out;
}

export async function collected(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Resolves when the stream has ended or broken. */
export async function over(stream: Duplex | Readable): Promise<void> {
  if (stream.destroyed || stream.readableEnded) return;
  stream.resume();
  await soon("a stream ends", Promise.race([once(stream, "close"), once(stream, "end")]));
}
