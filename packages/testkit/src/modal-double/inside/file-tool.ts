import { randomUUID } from "node:crypto";
import { type Stats, constants, createReadStream, createWriteStream, watch } from "node:fs";
import { access, lstat, mkdir, readFile, readdir, readlink, rename, rm, rmdir, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { PassThrough, type Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";

interface FileToolRun {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exited: Promise<number>;
  abort(): void;
}

interface Streams {
  readonly stdin: PassThrough;
  readonly stdout: PassThrough;
  readonly signal: AbortSignal;
}

type Values = Readonly<Record<string, unknown>>;

/** What Modal's own program for files does, by its requests and its errors: one JSON object, `{ "ReadFile": { "path": … } }`. */
export function runFileTool(request: string): FileToolRun {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const stopped = new AbortController();
  const work = async (): Promise<number> => {
    try {
      await perform(request, { stdin, stdout, signal: stopped.signal });
      return 0;
    } catch (error) {
      stderr.write(JSON.stringify(describe(error)));
      return 1;
    } finally {
      stdout.end();
      stderr.end();
    }
  };
  return { stdin, stdout, stderr, exited: work(), abort: () => stopped.abort() };
}

class ToolError extends Error {
  readonly kind: string;
  constructor(kind: string, message: string) {
    super(message);
    this.kind = kind;
  }
}

const KINDS: Readonly<Record<string, string>> = {
  ENOENT: "NotFound",
  EACCES: "PermissionDenied",
  EPERM: "PermissionDenied",
  EISDIR: "IsDirectory",
  ENOTDIR: "NotDirectory",
  EEXIST: "PathAlreadyExists",
  ENOTEMPTY: "DirectoryNotEmpty",
};

function describe(error: unknown): { error_kind: string; message: string; detail: string } {
  const { message, code } = error as NodeJS.ErrnoException;
  const kind = error instanceof ToolError ? error.kind : (KINDS[code ?? ""] ?? "Other");
  return { error_kind: kind, message: message.replace(/^[A-Z]+: |, \w+ .*$/gu, ""), detail: code ?? "" };
}

async function perform(request: string, streams: Streams): Promise<void> {
  const [[name, values] = ["", {}]] = Object.entries(JSON.parse(request) as Record<string, Values>);
  const path = String(values["path"]);
  switch (name) {
    case "ReadFile":
      return readWhole(path, streams);
    case "WriteFile":
      return writeWhole(path, streams);
    case "ListFiles":
      return listFiles(path, streams);
    case "MakeDirectory":
      return void (await mkdir(path, { recursive: values["parents"] === true }));
    case "Remove":
      return remove(path, values["recursive"] === true);
    case "Stat":
      return void streams.stdout.write(JSON.stringify(await entry(path)));
    case "Watch":
      return watchPath(path, values, streams);
    default:
      throw new ToolError("Other", `The double's file tool does not know ${name}`);
  }
}

async function readWhole(path: string, { stdout, signal }: Streams): Promise<void> {
  if ((await stat(path)).isDirectory()) throw new ToolError("IsDirectory", "Is a directory");
  await pipeline(createReadStream(path), stdout, { signal });
}

/** Beside the place and then renamed: a write that breaks off leaves what was there. */
async function writeWhole(path: string, { stdin, signal }: Streams): Promise<void> {
  await mkdir(dirname(path), { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "EEXIST" ? new ToolError("NotDirectory", "Not a directory") : error;
  });
  const there = await stat(path).catch(() => null);
  if (there?.isDirectory() === true) throw new ToolError("IsDirectory", "Is a directory");
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`);
  try {
    await pipeline(stdin, createWriteStream(temporary, { mode: there?.mode ?? 0o644 }), { signal });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function listFiles(path: string, { stdout }: Streams): Promise<void> {
  const names = (await readdir(path)).sort();
  stdout.write(JSON.stringify(await Promise.all(names.map((name) => entry(join(path, name))))));
}

async function remove(path: string, recursive: boolean): Promise<void> {
  const there = await lstat(path);
  if (!there.isDirectory()) await unlink(path);
  else if (recursive) await rm(path, { recursive: true });
  else await rmdir(path);
}

async function entry(path: string): Promise<object> {
  const there = await lstat(path);
  const mode = there.mode & 0o7777;
  return {
    name: basename(path),
    path,
    type: typeOf(there),
    size: there.size,
    mode,
    permissions: permissions(mode),
    owner: await nameOf(there.uid),
    group: await nameOf(there.gid),
    modified_time: there.mtimeMs / 1000,
    ...(there.isSymbolicLink() ? { symlink_target: await readlink(path) } : {}),
  };
}

function typeOf(there: Stats): string {
  if (there.isSymbolicLink()) return "symlink";
  return there.isDirectory() ? "directory" : "file";
}

function permissions(mode: number): string {
  return "rwxrwxrwx"
    .split("")
    .map((letter, at) => ((mode & (0o400 >> at)) === 0 ? "-" : letter))
    .join("");
}

async function nameOf(id: number): Promise<string> {
  const users = await readFile("/etc/passwd", "utf8").catch(() => "");
  const found = users.split("\n").find((user) => user.split(":")[2] === String(id));
  return found?.split(":")[0] ?? String(id);
}

/** By Node's own watcher, so with its gaps. Ends at its timeout, and when its input closes. */
async function watchPath(path: string, values: Values, { stdin, stdout, signal }: Streams): Promise<void> {
  await access(path, constants.R_OK);
  const filter = Array.isArray(values["filter"]) ? (values["filter"] as string[]) : null;
  const recursive = values["recursive"] === true;
  const folder = (await stat(path)).isDirectory();
  const watcher = watch(path, { recursive }, (event, name) => {
    const changed = folder && name !== null ? join(path, name) : path;
    void tell(event, changed);
  });
  const tell = async (event: string, changed: string): Promise<void> => {
    const gone = event === "rename" && (await lstat(changed).catch(() => null)) === null;
    const type = gone ? "Remove" : event === "rename" ? "Create" : "Modify";
    if (filter === null || filter.includes(type))
      stdout.write(`${JSON.stringify({ event_type: type, paths: [changed] })}\n`);
  };
  const seconds = typeof values["timeout_secs"] === "number" ? values["timeout_secs"] : null;
  await new Promise<void>((resolve) => {
    const timer = seconds === null ? undefined : setTimeout(resolve, seconds * 1000);
    stdin.once("end", resolve).resume();
    signal.addEventListener("abort", () => resolve(), { once: true });
    watcher.once("close", () => clearTimeout(timer));
  });
  watcher.close();
}
