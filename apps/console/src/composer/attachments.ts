/** Bounds of a message, as a server has them by default; it says so itself where it has others. */
export const ATTACHMENT_LIMITS = { files: 20, nameBytes: 200, bytes: 10_000_000 } as const;

/** A file that is to go with a message, as far as it is looked at here. */
export type Attachable = Pick<File, "name" | "size">;

export interface Selection<T extends Attachable> {
  readonly files: readonly T[];
  /** What was left out, and why: a sentence each. */
  readonly refused: readonly string[];
}

/** Puts files beside those that were chosen before; those that no server would take are left out. */
export function attach<T extends Attachable>(before: readonly T[], added: readonly T[]): Selection<T> {
  const files = [...before];
  const refused: string[] = [];
  for (const file of added) {
    const problem = problemOf(file, files);
    if (problem === undefined) files.push(file);
    else refused.push(`${shortened(file.name)} ${problem}`);
  }
  return { files, refused };
}

function problemOf({ name, size }: Attachable, files: readonly Attachable[]): string | undefined {
  if (files.length >= ATTACHMENT_LIMITS.files)
    return `is one too many: a message takes ${ATTACHMENT_LIMITS.files} files.`;
  if (/[/\\\p{Cc}\p{Cs}]/u.test(name) || name === "" || name === "." || name === "..")
    return "has a name that no file of a workspace can have. Rename it.";
  if (new TextEncoder().encode(name).length > ATTACHMENT_LIMITS.nameBytes)
    return `has too long a name: ${ATTACHMENT_LIMITS.nameBytes} bytes at most.`;
  const total = files.reduce((sum, file) => sum + file.size, size);
  if (total > ATTACHMENT_LIMITS.bytes)
    return `is too large: the files of a message take ${ATTACHMENT_LIMITS.bytes / 1e6} MB at most. Lay it into the workspace instead.`;
  return undefined;
}

function shortened(name: string): string {
  return name.length > 60 ? `${name.slice(0, 57)}…` : name;
}

/** Pictures that a browser shows without running anything. */
export function isPicture({ type }: Pick<File, "type">): boolean {
  return ["image/png", "image/jpeg", "image/gif", "image/webp"].includes(type);
}
