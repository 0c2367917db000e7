/** How a file is shown. */
export type FileKind =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "image"; readonly type: string }
  | { readonly kind: "binary" };

const IMAGES: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  avif: "image/avif",
  bmp: "image/bmp",
  ico: "image/x-icon",
  svg: "image/svg+xml",
};

/** What a file's bytes are; the name alone says only which kind of picture. */
export function fileKind(path: string, bytes: Uint8Array): FileKind {
  const type = Object.hasOwn(IMAGES, extension(path)) ? IMAGES[extension(path)] : undefined;
  if (type !== undefined) return { kind: "image", type };
  if (bytes.subarray(0, 8000).includes(0)) return { kind: "binary" };
  try {
    return { kind: "text", text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { kind: "binary" };
  }
}

const LANGUAGES: Readonly<Record<string, string>> = {
  mjs: "javascript",
  cjs: "javascript",
  mts: "typescript",
  cts: "typescript",
  htm: "xml",
  svg: "xml",
  h: "c",
  hpp: "cpp",
  yml: "yaml",
};

/** The language of a file's text, by its name. */
export function languageOf(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  if (name === "dockerfile" || name === "makefile") return name;
  const end = extension(path);
  return Object.hasOwn(LANGUAGES, end) ? (LANGUAGES[end] ?? end) : end;
}

function extension(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const dot = name.lastIndexOf(".");
  return dot < 0 ? "" : name.slice(dot + 1).toLowerCase();
}

/** Characters that some system's files may not have, or that hide what a name is. */
const UNSAFE = /[\p{Cc}\p{Cf}\u2028\u2029<>:"/\\|?*]/gu;

/** A name by which any system keeps a file: of the last part of a path. */
export function downloadName(path: string): string {
  const name = path
    .slice(path.lastIndexOf("/") + 1)
    .replace(UNSAFE, "_")
    .replace(/^ +|[. ]+$/g, "_")
    .slice(0, 150);
  return name === "" ? "file" : name;
}
