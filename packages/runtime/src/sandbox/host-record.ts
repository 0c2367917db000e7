import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";
import { foldersOf, sandboxKeys } from "./host-folders.ts";

/**
 * What this host remembers of a sandbox, in `sandbox.json` of its folder. Written before the processes start and
 * again when they are known, so that a crash in between leaves nothing that cannot be found.
 */
const SandboxRecord = z.object({
  version: z.literal(1),
  provider: z.string(),
  key: z.string(),
  tags: z.object({ deployment: z.string(), tenant: z.string(), session: z.string(), generation: z.string() }),
  /** Folder of its sockets. */
  sockets: z.string(),
  /** Name of the environment that it has. */
  environment: z.string().optional(),
  /** The process whose end is the sandbox's end; absent while it is being started. */
  process: z.object({ pid: z.number().int().positive(), identity: z.string() }).optional(),
  /** When it was first found dead without having been terminated, in ms since 1970. */
  deadSince: z.number().optional(),
});
export type SandboxRecord = z.infer<typeof SandboxRecord>;

/** null: there is none, or none that makes sense. Throws `sandbox_unavailable` where it is another user's. */
export async function readRecord(dataDir: string, key: string): Promise<SandboxRecord | null> {
  try {
    const text = await readFile(recordPath(dataDir, key), "utf8");
    return SandboxRecord.safeParse(JSON.parse(text)).data ?? null;
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "EACCES" || error.code === "EPERM")) {
      throw new RuntimeError(
        "sandbox_unavailable",
        `Sandbox ${key} in ${dataDir} belongs to another user. Run the servers of one host as the same user.`,
        { cause: error },
      );
    }
    return null;
  }
}

/** Whole or not at all. */
export async function writeRecord(dataDir: string, record: SandboxRecord): Promise<void> {
  const path = recordPath(dataDir, record.key);
  await writeFile(`${path}.new`, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** The environments that sandboxes of this host have, running or not. */
export async function usedEnvironments(dataDir: string): Promise<ReadonlySet<string>> {
  const records = await Promise.all((await sandboxKeys(dataDir)).map((key) => readRecord(dataDir, key)));
  return new Set(records.flatMap((record) => record?.environment ?? []));
}

function recordPath(dataDir: string, key: string): string {
  return join(foldersOf(dataDir, key).root, "sandbox.json");
}
