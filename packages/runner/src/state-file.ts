import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { z } from "zod";

/** One small JSON value on disk that a crash leaves whole: old or new. */
export interface StateFile<T> {
  /** null where there is none, or where what is there is no such value. */
  read(): T | null;
  write(value: T): void;
  remove(): void;
}

export function stateFile<T>(file: string, schema: z.ZodType<T>): StateFile<T> {
  return {
    read() {
      try {
        return schema.parse(JSON.parse(readFileSync(file, "utf8")));
      } catch {
        return null;
      }
    },
    write(value) {
      writeFileSync(`${file}.new`, JSON.stringify(value), { mode: 0o600 });
      renameSync(`${file}.new`, file);
    },
    remove() {
      rmSync(file, { force: true });
    },
  };
}
