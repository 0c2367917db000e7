import {
  exportSession,
  importSession,
  profileFolder,
  type AgentRuntimeConfig,
  type ImportOptions,
} from "@hhopkins/agent-runtime";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { createReadStream, createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { persistenceFor } from "../serve/parts.ts";
import type { Settings } from "../settings/settings.ts";

type Persistence = NonNullable<AgentRuntimeConfig["persistence"]>;

/** Writes a session of the store to a file (`-`: standard output). Resolves with the exit code. */
export async function exportTo(settings: Settings, sessionId: string, out: string | undefined): Promise<number> {
  const file = out ?? `${sessionId}.ndjson.gz`;
  if (file === "-" && process.stdout.isTTY)
    throw new RuntimeError(
      "invalid_configuration",
      "--out - writes an archive, which a terminal cannot show: redirect it to a file.",
    );
  await withPersistence(settings, async (persistence) => {
    const archive = exportSession(persistence, sessionId);
    if (file === "-") return await pipeline(archive, process.stdout, { end: false });
    const part = `${file}.part`;
    try {
      await pipeline(archive, createWriteStream(part, { mode: 0o600 }));
      await rename(part, file);
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
  });
  if (file !== "-") process.stdout.write(`Session ${sessionId} is in ${resolve(file)}\n`);
  return 0;
}

/** Makes a session of a file (`-`: standard input). Resolves with the exit code. */
export async function importFrom(settings: Settings, file: string, options: ImportOptions): Promise<number> {
  const { sessionId } = await withPersistence(settings, (persistence) =>
    importSession(persistence, file === "-" ? process.stdin : createReadStream(file), {
      ...options,
      ...(settings.boundSecrets === undefined ? {} : { boundSecrets: settings.boundSecrets }),
      ...(settings.profilesFolder === undefined ? {} : { profiles: profileFolder(settings.profilesFolder) }),
    }),
  );
  process.stdout.write(`${sessionId}\n`);
  return 0;
}

async function withPersistence<T>(settings: Settings, work: (persistence: Persistence) => Promise<T>): Promise<T> {
  if (settings.persistence === "memory")
    throw new RuntimeError(
      "invalid_configuration",
      "--persistence memory: has no sessions of other processes. Name the store that a server uses.",
    );
  const persistence = persistenceFor(settings, resolve(settings.dataDir));
  await persistence.open?.();
  try {
    return await work(persistence);
  } finally {
    await persistence.close?.();
  }
}
