import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** A process of the benchmark that told where it listens. */
export interface Child extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** Sends a message; resolves with the next one that the process says. */
  ask(message: object): Promise<unknown>;
}

export interface ChildOptions {
  readonly args?: readonly string[];
  /** Takes what the process says after it has told its port. */
  readonly onMessage?: (message: unknown) => void;
  /** Flags of its Node. */
  readonly execArgv?: readonly string[];
}

/** Starts a program of this folder, which says `{ port }` when it listens, and ends when its parent lets go of it. */
export async function startChild(program: string, options: ChildOptions = {}): Promise<Child> {
  const execArgv = [...(options.execArgv ?? [])];
  const child = fork(fileURLToPath(new URL(program, import.meta.url)), [...(options.args ?? [])], { execArgv });
  const ended = once(child, "exit");
  const failed = ended.then(() => {
    throw new Error(`${program} ended before it answered.`);
  });
  failed.catch(() => undefined);
  const [first] = (await Promise.race([once(child, "message"), failed])) as [{ port: number }];
  if (options.onMessage !== undefined) child.on("message", options.onMessage);
  return {
    port: first.port,
    pid: child.pid ?? 0,
    async ask(message) {
      const answer = once(child, "message");
      child.send(message);
      const [said] = (await Promise.race([answer, failed])) as [unknown];
      return said;
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}

/** In a child: says where it listens, and calls `stop` once when the parent lets go or a signal comes. */
export function serveParent(port: number, stop: () => Promise<void>): void {
  let stopping: Promise<void> | undefined;
  const end = (): void => {
    stopping ??= stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  for (const event of ["disconnect", "SIGTERM", "SIGINT"]) process.on(event, end);
  process.send?.({ port });
}
