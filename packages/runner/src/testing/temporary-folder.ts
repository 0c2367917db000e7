import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of a test's own, short enough for a unix socket's path. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(realpathSync(tmpdir()), "ar-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
