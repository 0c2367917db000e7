import { type CallContext, Status } from "nice-grpc";
import type { Exec } from "./exec.ts";
import type { Faults } from "./faults.ts";
import type { Images } from "./images.ts";
import type { Exit } from "./inside/frames.ts";
import type { Output } from "./output.ts";
import { type DoubleSandbox, ENTRYPOINT } from "./sandbox.ts";
import { type Sandboxes, checkNetwork } from "./sandboxes.ts";
import { type ExecStartRequest, type SetNetworkAccessRequest, type SnapshotFilesystemRequest, refuse } from "./sdk.ts";
import type { Secrets, Variables } from "./secrets.ts";

export interface RouterParts {
  readonly sandboxes: Sandboxes;
  readonly secrets: Secrets;
  readonly images: Images;
  readonly faults: Faults;
  /** Aborted and replaced when every open stream is to break. */
  readonly breaking: () => AbortSignal;
}

interface ExecName {
  readonly taskId: string;
  readonly execId: string;
}

interface StdioRead extends ExecName {
  readonly offset: number;
  /** 0: stdout, 1: stderr. */
  readonly fileDescriptor: number;
}

interface StdinWrite extends ExecName {
  readonly offset: number;
  readonly data: Uint8Array;
  readonly eof: boolean;
}

interface StdinPart {
  readonly start?: { readonly taskId: string; readonly execId: string; readonly offset: number };
  readonly data?: Uint8Array;
  readonly end?: object;
}

const LARGEST_ARGUMENTS = 2 ** 16;

/** The calls of the task command router. */
export function routerHandlers(parts: RouterParts) {
  const { sandboxes, images } = parts;
  const entrypoint = ({ taskId }: { taskId: string }): Exec => find(sandboxes, { taskId, execId: ENTRYPOINT });
  return {
    taskExecStart: (request: ExecStartRequest) => startExec(parts, request),
    taskExecStdioRead: (request: StdioRead, context: CallContext) =>
      readStdio(parts, { exec: find(sandboxes, request), request, context }),
    async taskExecStdinWrite(request: StdinWrite) {
      await writeStdin(find(sandboxes, request), request);
      return {};
    },
    taskExecStdinWriteStream: (requests: AsyncIterable<StdinPart>) => streamStdin(parts, requests),
    async taskExecStdinStatus(request: ExecName) {
      const exec = find(sandboxes, request);
      exec.claimStdin();
      return exec.stdinStatus;
    },
    async taskExecWait(request: ExecName): Promise<Exit> {
      const exec = find(sandboxes, request);
      const exit = await exec.exited;
      if (exec.lost.signal.aborted) throw refuse(Status.UNAVAILABLE, "The worker is gone");
      return exit;
    },
    taskExecPoll: async (request: ExecName): Promise<Exit> => find(sandboxes, request).exit ?? {},
    async *sandboxStdioReadV2(request: StdioRead, context: CallContext) {
      let startingOffset = request.offset;
      const exec = entrypoint(request);
      for await (const { data } of readStdio(parts, { exec, request, context })) {
        yield { data, startingOffset };
        startingOffset += data.length;
      }
    },
    async sandboxStdinWriteV2(request: Omit<StdinWrite, "execId">) {
      await writeStdin(entrypoint(request), request);
      return {};
    },
    async taskSnapshotFilesystem({ taskId = "", containerId = "" }: SnapshotFilesystemRequest) {
      if (containerId !== "") throw refuse(Status.UNIMPLEMENTED, "The double has no sidecars");
      const { tree, plan, running } = sandboxes.byTask(taskId);
      if (tree === null || !running) throw refuse(Status.NOT_FOUND, `Task ${taskId} is not running`);
      return { imageId: await images.snapshot(tree, plan.image) };
    },
    async taskSetNetworkAccess({ taskId = "", networkAccess }: SetNetworkAccessRequest) {
      checkNetwork(networkAccess);
      sandboxes.byTask(taskId).networkAccess = networkAccess as DoubleSandbox["networkAccess"];
      return {};
    },
  };
}

function find(sandboxes: Sandboxes, { taskId, execId }: ExecName): Exec {
  const exec = sandboxes.byTask(taskId).execs.get(execId);
  if (exec === undefined) throw refuse(Status.NOT_FOUND, `Exec ${execId} not found`);
  return exec;
}

async function startExec({ sandboxes, secrets }: RouterParts, request: ExecStartRequest): Promise<object> {
  const { taskId = "", execId = "", commandArgs = [], workdir, timeoutSecs, ptyInfo, containerId = "" } = request;
  if (ptyInfo !== undefined) throw refuse(Status.UNIMPLEMENTED, "The double has no terminals");
  if (containerId !== "") throw refuse(Status.UNIMPLEMENTED, "The double has no sidecars");
  if (commandArgs.join("").length >= LARGEST_ARGUMENTS) throw refuse(Status.INVALID_ARGUMENT, "Arguments are too long");
  const sandbox = sandboxes.byTask(taskId);
  // Tried again after its reply was lost: it runs already.
  if (sandbox.execs.has(execId)) return {};
  const variables = secrets.merge([...(request.secretIds ?? [])], request.secretSources as never);
  const environment = { ...sandbox.environment, ...(request.env as Variables), ...variables };
  const exec = await sandbox.exec(execId, { command: commandArgs, cwd: workdir ?? sandbox.workdir, environment });
  if (timeoutSecs !== undefined) {
    const timer = setTimeout(() => exec.kill(), timeoutSecs * 1000);
    void exec.exited.then(() => clearTimeout(timer));
  }
  return {};
}

interface Reading {
  readonly exec: Exec;
  readonly request: Pick<StdioRead, "offset" | "fileDescriptor">;
  readonly context: CallContext;
}

/** From the offset on, until the program closed the stream. */
async function* readStdio({ faults, breaking }: RouterParts, { exec, request, context }: Reading) {
  const name = request.fileDescriptor === 0 ? "stdout" : "stderr";
  const output: Output = exec[name];
  const broken = AbortSignal.any([breaking(), exec.lost.signal]);
  let offset = request.offset;
  if (offset > output.size) throw refuse(Status.OUT_OF_RANGE, `Only ${output.size} bytes were said`);
  for await (const data of output.read(offset, AbortSignal.any([context.signal, broken]))) {
    const cut = faults.cut({ name, command: exec.command }, { offset, length: data.length });
    if (cut !== null && cut > 0) yield { data: data.subarray(0, cut) };
    if (cut !== null) throw refuse(Status.UNAVAILABLE, `injected by the double: ${name} broke at ${offset + cut}`);
    yield { data };
    offset += data.length;
  }
  if (broken.aborted) throw refuse(Status.UNAVAILABLE, "The stream broke");
}

async function writeStdin(exec: Exec, { offset, data, eof }: Omit<StdinWrite, "taskId" | "execId">): Promise<void> {
  if (data.length > 0) await exec.write(data, { offset });
  if (eof) await exec.closeStdin();
}

/** Without `end` the input stays open: the client comes back and goes on. */
async function streamStdin({ sandboxes, faults }: RouterParts, requests: AsyncIterable<StdinPart>): Promise<object> {
  let exec: Exec | null = null;
  let offset = 0;
  let writer = 0;
  for await (const { start, data, end } of requests) {
    if (start !== undefined) {
      exec = find(sandboxes, start);
      offset = start.offset;
      writer = exec.claimStdin();
    }
    if (exec === null) throw refuse(Status.INVALID_ARGUMENT, "A stream begins with its start");
    if (data !== undefined) {
      const cut = faults.cut({ name: "stdin", command: exec.command }, { offset, length: data.length });
      await exec.write(cut === null ? data : data.subarray(0, cut), { offset, writer });
      if (cut !== null) throw refuse(Status.UNAVAILABLE, `injected by the double: stdin broke at ${offset + cut}`);
      offset += data.length;
    }
    if (end !== undefined) await exec.closeStdin();
  }
  return {};
}
