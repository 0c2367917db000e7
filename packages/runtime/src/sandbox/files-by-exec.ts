import { randomBytes } from "node:crypto";
import { pipeline } from "node:stream/promises";
import type { Readable } from "node:stream";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { Sandbox, SandboxProcess } from "./port.ts";

type Exec = Sandbox["exec"];

const MAX_FILE_BYTES = 64 * 1024 * 1024;
const MAX_COMPLAINT_BYTES = 2000;

/** Exit codes of the scripts below, above those of the programs that they run. */
const MISSING = 101;
const NO_FILE = 102;
const CUT_SHORT = 103;

const READ = `[ -e "$1" ] || exit ${MISSING}
[ -f "$1" ] || exit ${NO_FILE}
exec cat < "$1"`;

/** To a name of its own and then renamed; only when all of it came, since a line that breaks looks like its end. */
const WRITE = `[ -d "$1" ] && exit ${NO_FILE}
mkdir -p -- "\${1%/*}/" || exit 1
new="\${1%/*}/$2"
trap 'rm -f -- "$new"' EXIT
(umask 077 && cat > "$new") || exit 1
[ "$(wc -c < "$new")" -eq "$3" ] || exit ${CUT_SHORT}
chmod "$4" -- "$new" && mv -f -- "$new" "$1"`;

/** A file of a sandbox, through its `exec`: as `Sandbox.readFile` says. Needs `sh` and `cat` inside. */
export async function readFileByExec(exec: Exec, path: string, maxBytes = MAX_FILE_BYTES): Promise<Buffer> {
  checkPath(path);
  const stop = new AbortController();
  const process = await exec(["/bin/sh", "-c", READ, "sh", path], { cwd: "/", signal: stop.signal });
  process.stdin.end();
  const complaint = bounded(process.stderr, MAX_COMPLAINT_BYTES).catch(() => null);
  try {
    const bytes = await bounded(process.stdout, maxBytes);
    if (bytes === null) throw new RuntimeError("payload_too_large", `${path} has more than ${maxBytes} bytes`);
    await finish(process, { path, complaint });
    return bytes;
  } catch (error) {
    if (error instanceof RuntimeError) throw error;
    throw new RuntimeError("sandbox_lost", `Reading ${path} was cut off`, { cause: error });
  } finally {
    stop.abort();
  }
}

/** Writes a file of a sandbox, through its `exec`: as `Sandbox.writeFile` says. Needs `sh` and the usual tools inside. */
export async function writeFileByExec(
  exec: Exec,
  path: string,
  { bytes, mode = 0o644 }: { readonly bytes: Uint8Array; readonly mode?: number | undefined },
): Promise<void> {
  checkPath(path);
  const name = `.agent-runtime-${randomBytes(6).toString("hex")}`;
  const parameters = [path, name, String(bytes.byteLength), (mode & 0o7777).toString(8)];
  const process = await exec(["/bin/sh", "-c", WRITE, "sh", ...parameters], { cwd: "/" });
  process.stdout.resume();
  const complaint = bounded(process.stderr, MAX_COMPLAINT_BYTES).catch(() => null);
  // Why the input was not taken is what the script says at its end.
  await pipeline(chunksOf(bytes), process.stdin).catch(() => undefined);
  await finish(process, { path, complaint });
}

/** A pipe takes little at once; what waits for it must be bounded too. */
function* chunksOf(bytes: Uint8Array): Generator<Uint8Array> {
  const CHUNK = 256 * 1024;
  for (let at = 0; at < bytes.byteLength; at += CHUNK) yield bytes.subarray(at, at + CHUNK);
}

async function finish(
  process: SandboxProcess,
  { path, complaint }: { path: string; complaint: Promise<Buffer | null> },
): Promise<void> {
  const { code } = await process.exited;
  switch (code) {
    case 0:
      return;
    case null:
      throw new RuntimeError("sandbox_lost", `The sandbox went while ${path} was read or written`);
    case MISSING:
      throw new RuntimeError("file_not_found", `The sandbox has no file ${path}`);
    case NO_FILE:
      throw new RuntimeError("invalid_request", `${path} is not a file`);
    case CUT_SHORT:
      throw new RuntimeError("sandbox_lost", `Writing ${path} was cut off`);
    default: {
      const said = (await complaint)?.toString("utf8").trim() ?? "";
      throw new RuntimeError(
        "invalid_request",
        `The sandbox refuses ${path}: ${said === "" ? `exit code ${code}` : said}`,
      );
    }
  }
}

/** All that a stream gives; null: more than `maxBytes`. */
async function bounded(stream: Readable, maxBytes: number): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

function checkPath(path: string): void {
  if (path.startsWith("/") && !path.endsWith("/") && !path.includes("\0")) return;
  throw new RuntimeError("invalid_request", `Not an absolute path of a file: ${JSON.stringify(path)}`, {
    field: "path",
  });
}
