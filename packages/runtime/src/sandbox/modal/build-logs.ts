import { AsyncLocalStorage } from "node:async_hooks";
import type { ModalClientParams } from "modal";
import { z } from "zod";

type Middleware = NonNullable<ModalClientParams["grpcMiddleware"]>[number];

const JOIN = "/modal.client.ModalClient/ImageJoinStreaming";
const Response = z.object({ taskLogs: z.array(z.object({ data: z.string() })) });
const TAIL_LINES = 30;
const LINE_CHARS = 400;

interface Build {
  readonly tail: string[];
  readonly onLine: (line: string) => void;
  rest: string;
}

/** What building an image says. The SDK gets it and keeps it to itself, so it is read as it passes by. */
export class BuildLogs {
  readonly #builds = new AsyncLocalStorage<Build>();

  /** Runs `work`, whose builds tell their lines to `onLine`; `tail` has the last of them. */
  follow<T>(onLine: (line: string) => void, work: (tail: readonly string[]) => Promise<T>): Promise<T> {
    const tail: string[] = [];
    return this.#builds.run({ tail, onLine, rest: "" }, () => work(tail));
  }

  readonly middleware: Middleware = (call, options) => {
    const build = call.method.path === JOIN ? this.#builds.getStore() : undefined;
    const answers = call.next(call.request, options);
    return build === undefined ? answers : listened(answers, build);
  };
}

async function* listened<T>(
  answers: AsyncGenerator<T, T | void, undefined>,
  build: Build,
): AsyncGenerator<T, T | void, undefined> {
  for (;;) {
    const next = await answers.next();
    if (next.done === true) return next.value;
    const logs = Response.safeParse(next.value).data?.taskLogs ?? [];
    for (const { data } of logs) take(build, data);
    yield next.value;
  }
}

function take(build: Build, data: string): void {
  const lines = (build.rest + data).split(/[\r\n]+/);
  build.rest = (lines.pop() ?? "").slice(0, LINE_CHARS);
  for (const line of lines) {
    // eslint-disable-next-line no-control-regex -- colours and cursor movements of a terminal
    const plain = line.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]/g, "").replaceAll(/[\u0000-\u001f\u007f]/g, " ");
    if (plain.trim() === "") continue;
    build.tail.push(plain.trimEnd().slice(0, LINE_CHARS));
    if (build.tail.length > TAIL_LINES) build.tail.shift();
    build.onLine(plain.trim().slice(0, LINE_CHARS));
  }
}
