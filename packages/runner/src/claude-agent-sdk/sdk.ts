import { access, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { query } from "@anthropic-ai/claude-agent-sdk";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";

const NAME = "@anthropic-ai/claude-agent-sdk";

/** What we use of the SDK, which is not part of the runner's bundle. */
export interface Sdk {
  readonly query: typeof query;
  /** The harness's native binary. */
  readonly executable: string;
}

/**
 * Loads the SDK from `packages`/node_modules. Throws `missing_dependency` when the SDK, or its package for this
 * platform, is not there.
 */
export async function loadSdk(packages: string): Promise<Sdk> {
  const folder = await realpath(join(packages, "node_modules", NAME)).catch((cause: unknown) => {
    throw missing(NAME, cause);
  });
  const executable = await findExecutable(dirname(folder));
  const entry = pathToFileURL(join(folder, "sdk.mjs")).href;
  const sdk = (await import(entry).catch((cause: unknown) => {
    throw missing(NAME, cause);
  })) as { query: typeof query };
  return { query: sdk.query, executable };
}

/** Package managers install the platform package beside the SDK, and only the one whose libc is the machine's. */
async function findExecutable(scope: string): Promise<string> {
  const platform = `claude-agent-sdk-${process.platform}-${process.arch}`;
  const file = process.platform === "win32" ? "claude.exe" : "claude";
  for (const name of [platform, `${platform}-musl`]) {
    const path = join(scope, name, file);
    const found = await access(path).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  throw missing(`@anthropic-ai/${platform}`);
}

function missing(name: string, cause?: unknown): RuntimeError {
  const message = `The package ${name} is not installed. Install it: npm install ${NAME} (with optional dependencies).`;
  return new RuntimeError("missing_dependency", message, { cause });
}
