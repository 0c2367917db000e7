import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { ConvexCalls } from "./client.ts";

/** Of the functions that this adapter calls; `functions/version.ts` has the same. */
const VERSION = 1;

/** Throws `invalid_configuration` where the deployment's functions are not those of this version. */
export async function checkVersion(calls: ConvexCalls, url: string): Promise<void> {
  const { version } = await calls.query((api) => api.version.check, {});
  if (version === VERSION) return;
  const [what, remedy] =
    version < VERSION
      ? ["older", "copy the functions anew with `agent-runtime convex-functions --force`, and deploy them"]
      : ["newer", "use the version of @hhopkins/agent-runtime that they were copied with, or a newer one"];
  const message = `Convex at ${url}: the deployment's functions are ${what} than this adapter (${version}, not ${VERSION}): ${remedy}`;
  throw new RuntimeError("invalid_configuration", message);
}
