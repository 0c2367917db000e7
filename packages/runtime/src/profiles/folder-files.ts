import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { isUtf8 } from "node:buffer";
import { lstat, readdir, readFile, realpath, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";

/** What no profile is made of. */
const LEFT_OUT = new Set([".git", "node_modules", ".DS_Store", "__pycache__"]);
const MAX_FILE_BYTES = 8 * 1024 * 1024;
const MAX_FILES = 5_000;
const MAX_DEPTH = 32;

/** The error of a profile's file. `where`: the file, and what is wrong in it, as `path: field`. */
export function invalidProfile(where: string, problem: string, cause?: unknown): RuntimeError {
  return new RuntimeError("invalid_profile", `${where}: ${problem}`, { field: where, cause });
}

/**
 * The files of one folder, by paths relative to it. A link that leads out of it is refused with `invalid_profile`, and so
 * is what is no file or is too large.
 */
export class FolderFiles {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  /** null: there is no such folder. */
  static async at(folder: string): Promise<FolderFiles | null> {
    const found = await stat(folder).catch(absent);
    return found?.isDirectory() === true ? new FolderFiles(await realpath(folder)) : null;
  }

  /** Where a path lies, for messages and for what reads it itself. */
  place(path: string): string {
    return join(this.root, path);
  }

  /** The path where it exists and lies in the folder, links followed; null: there is none. */
  async #real(path: string): Promise<string | null> {
    const real = await realpath(this.place(path)).catch(absent);
    if (real === null) {
      const link = await lstat(this.place(path)).catch(absent);
      if (link === null) return null;
      throw invalidProfile(this.place(path), "is a link that leads nowhere. Remove it, or put the file there.");
    }
    const inside = relative(this.root, real);
    if (inside === ".." || inside.startsWith(`..${sep}`)) {
      throw invalidProfile(this.place(path), `leads out of ${this.root} by a link. Copy what is there.`);
    }
    return real;
  }

  async isFolder(path: string): Promise<boolean> {
    const real = await this.#real(path);
    return real !== null && (await stat(real)).isDirectory();
  }

  /** Names in a folder, in order; none where there is no such folder. */
  async names(path: string): Promise<string[]> {
    const real = await this.#real(path);
    if (real === null) return [];
    if (!(await stat(real)).isDirectory()) throw invalidProfile(this.place(path), "must be a folder.");
    return (await readdir(real)).filter((name) => !LEFT_OUT.has(name)).toSorted();
  }

  /** null: there is no such file. */
  async bytes(path: string): Promise<{ bytes: Buffer; mode: number } | null> {
    const real = await this.#real(path);
    if (real === null) return null;
    const found = await stat(real);
    if (!found.isFile()) throw invalidProfile(this.place(path), "must be a file.");
    if (found.size > MAX_FILE_BYTES) {
      throw invalidProfile(this.place(path), `is larger than ${MAX_FILE_BYTES} bytes. Leave it out, or install it.`);
    }
    return { bytes: await readFile(real), mode: found.mode & 0o777 };
  }

  /** A file's text; null: there is no such file. */
  async text(path: string): Promise<string | null> {
    const found = await this.bytes(path);
    if (found === null) return null;
    if (!isUtf8(found.bytes)) throw invalidProfile(this.place(path), "is not UTF-8 text. Save it as UTF-8.");
    return found.bytes.toString("utf8").replace(/^\uFEFF/, "");
  }

  /** Every file below a folder, by paths relative to that, in order. */
  async below(path: string): Promise<string[]> {
    const files: string[] = [];
    await this.#collect(path, { prefix: "", depth: 0, files });
    return files;
  }

  async #collect(path: string, at: { prefix: string; depth: number; files: string[] }): Promise<void> {
    if (at.depth > MAX_DEPTH) {
      throw invalidProfile(this.place(path), `lies more than ${MAX_DEPTH} folders deep, or a link leads in a circle.`);
    }
    for (const name of await this.names(path)) {
      const inner = join(path, name);
      if (await this.isFolder(inner)) {
        await this.#collect(inner, { prefix: `${at.prefix}${name}/`, depth: at.depth + 1, files: at.files });
      } else {
        at.files.push(`${at.prefix}${name}`);
      }
      if (at.files.length > MAX_FILES) throw invalidProfile(this.place(path), `has more than ${MAX_FILES} files.`);
    }
  }
}

function absent(error: unknown): null {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT" || code === "ENOTDIR") return null;
  throw error;
}
