import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { randomBytes, scrypt } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What signs tokens is made of. */
export interface TokenSecretSources {
  /** The operator's own. */
  readonly tokenSecret?: string | undefined;
  /** Every node of a cluster has the same, and another one ends all tokens. */
  readonly apiKey?: string | undefined;
  /** Where neither is given one is made, and kept here. */
  readonly dataDir: string;
}

const SECRET_BYTES = 32;

/** The secret that signs tokens; made when it is first asked for. */
export function tokenSecret(sources: TokenSecretSources): () => Promise<Uint8Array> {
  let made: Promise<Uint8Array> | undefined;
  return async () => (made ??= derived(sourceOf(sources)));
}

function sourceOf({ tokenSecret, apiKey, dataDir }: TokenSecretSources): string {
  if (tokenSecret !== undefined) return tokenSecret;
  return apiKey !== undefined && apiKey !== "" ? apiKey : keptSecret(dataDir);
}

/** Slow on purpose: who holds a token could otherwise find a key that people chose by trying. */
function derived(from: string): Promise<Uint8Array> {
  return new Promise((resolve, reject) =>
    scrypt(from, "agent-runtime tokens", SECRET_BYTES, (error, secret) =>
      error === null ? resolve(secret) : reject(error),
    ),
  );
}

function keptSecret(dataDir: string): string {
  const file = join(dataDir, "token-secret");
  try {
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(file, `${randomBytes(SECRET_BYTES).toString("base64url")}\n`, { mode: 0o600, flag: "wx" });
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "EEXIST")) throw unusable(file, cause);
  }
  const kept = read(file);
  if (kept.length < SECRET_BYTES) throw unusable(file);
  return kept;
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw unusable(file, cause);
  }
}

function unusable(file: string, cause?: unknown): RuntimeError {
  const message = `${file}, which signs tokens, cannot be made or read. Give tokenSecret, or remove the file to have a new one made.`;
  return new RuntimeError("data_dir_unusable", message, { cause });
}
