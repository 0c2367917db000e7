import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

/** The console's files: beside the compiled command, or in `dist/` where it runs from source. */
const FOLDERS = ["../console/", "../../dist/console/"].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/** Files of the top and of `assets/`; none whose name begins with a dot. */
const PATH = /^\/(?:assets\/)?\w[\w.-]*\.\w+$/;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
};
const COMPRESSED = new Set([".html", ".js", ".css", ".svg"]);

/** Ways to send a file, the best first. */
const ENCODINGS = ["br", "gzip", "identity"] as const;
type Encoding = (typeof ENCODINGS)[number];

/** A file of the console as it is sent. */
export interface ConsoleFile {
  readonly type: string;
  /** Its name changes with its content. */
  readonly isImmutable: boolean;
  readonly etag: string;
  readonly bodies: Readonly<Partial<Record<Encoding, Buffer>>>;
}

interface Kept {
  readonly stamp: string;
  readonly file: Promise<ConsoleFile>;
}

/** Finds the console's files; they are read and compressed once, until they change. null: no file of it. */
export function consoleFiles(folders: readonly string[] = FOLDERS): (path: string) => Promise<ConsoleFile | null> {
  const kept = new Map<string, Kept>();
  return async (path) => {
    const name = path === "/" ? "/index.html" : path;
    const type = TYPES[extname(name)];
    if (type === undefined || !PATH.test(name)) return null;
    const folder = folders.find((one) => existsSync(`${one}/index.html`));
    if (folder === undefined) return null;
    const found = await stat(folder + name.slice(1)).catch(() => null);
    if (found?.isFile() !== true) return null;
    const stamp = `${found.mtimeMs} ${found.size}`;
    const before = kept.get(name);
    if (before?.stamp === stamp) return before.file;
    const file = read(folder + name.slice(1), type);
    kept.set(name, { stamp, file });
    // What could not be read is tried again.
    file.catch(() => kept.delete(name));
    return file;
  };
}

async function read(path: string, type: string): Promise<ConsoleFile> {
  const identity = await readFile(path);
  return {
    type,
    isImmutable: path.includes("/assets/"),
    etag: createHash("sha256").update(identity).digest("base64url").slice(0, 22),
    bodies: COMPRESSED.has(extname(path)) ? { ...(await compressed(identity)), identity } : { identity },
  };
}

async function compressed(bytes: Buffer): Promise<Partial<Record<Encoding, Buffer>>> {
  const [br, gz] = await Promise.all([
    // The highest quality takes seconds for what is a few hundred kilobytes.
    promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 6 } }),
    promisify(gzip)(bytes),
  ]);
  return { br, gzip: gz };
}

/** The best encoding of a file that a client takes, as its `accept-encoding` says. */
export function chosenEncoding(accepted: string, file: ConsoleFile): Encoding {
  const refused = /;\s*q=0(?:\.0*)?\s*$/;
  const taken = accepted.split(",").map((one) => (refused.test(one) ? "" : (one.split(";")[0] ?? "").trim()));
  return ENCODINGS.find((one) => file.bodies[one] !== undefined && taken.includes(one)) ?? "identity";
}
