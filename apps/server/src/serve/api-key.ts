import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { randomBytes } from "node:crypto";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface ApiKey {
  readonly key: string;
  /** Where it is kept; absent where it was given. */
  readonly file?: string;
  /** It was made just now: the only time that it is shown. */
  readonly isNew: boolean;
}

/** The key that was given, else the one kept in the data directory, else a new one kept there with mode 0600. */
export function apiKeyOf(given: string | undefined, dataDir: string): ApiKey {
  if (given !== undefined) return { key: given, isNew: false };
  const file = join(dataDir, "api-key");
  const kept = readKept(file);
  if (kept !== null) return { key: kept, file, isNew: false };
  const key = `ar_${randomBytes(32).toString("base64url")}`;
  writeFileSync(file, `${key}\n`, { mode: 0o600, flag: "wx" });
  return { key, file, isNew: true };
}

function readKept(file: string): string | null {
  let text: string;
  try {
    text = readFileSync(file, "utf8").trim();
    chmodSync(file, 0o600);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return null;
    throw new RuntimeError("data_dir_unusable", `The key in ${file} cannot be read.`, { cause });
  }
  if (!/^[\x21-\x7e]+$/.test(text)) {
    throw new RuntimeError("data_dir_unusable", `${file} holds no key. Remove it to have a new one made.`);
  }
  return text;
}
