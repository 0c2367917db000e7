import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";

/** Of one command: less than what a shell takes as one argument (128 KiB). */
const PIECE_CHARS = 96 * 1024;

const encoded = new Map<string, Promise<string>>();

/** A program of ours that was bundled into one file. Throws `missing_dependency` where it was not, as only a checkout can be. */
export function programPath(name: string): string {
  // The same path from the sources and from what is published.
  const path = fileURLToPath(new URL(`../../../dist/${name}`, import.meta.url));
  if (existsSync(path)) return path;
  throw new RuntimeError("missing_dependency", `The file ${path} is missing. Run: node scripts/bundle.mjs`);
}

/** Commands of an image that put a file of this host there. Images are built from commands alone; these carry it. */
export async function putFile(from: string, to: string): Promise<string[]> {
  return putBytes(await encodedFile(from), to);
}

/** The same for what is compressed and encoded already. */
export function putBytes(text: string, to: string): string[] {
  const part = `${to}.part`;
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += PIECE_CHARS) pieces.push(text.slice(at, at + PIECE_CHARS));
  return [
    ...pieces.map((piece, index) => `RUN printf %s '${piece}' ${index === 0 ? ">" : ">>"} ${part}`),
    `RUN base64 -d ${part} | gunzip > ${to} && rm ${part}`,
  ];
}

/** Compressed, in base64. Kept, since it is asked for at each start of a sandbox. */
async function encodedFile(path: string): Promise<string> {
  const { mtimeMs, size } = await stat(path);
  const key = `${path}:${mtimeMs}:${size}`;
  const known = encoded.get(key);
  if (known !== undefined) return known;
  const made = readFile(path).then((bytes) => gzipSync(bytes, { level: 9 }).toString("base64"));
  made.catch(() => encoded.delete(key));
  encoded.set(key, made);
  return made;
}
