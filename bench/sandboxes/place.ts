import { join } from "node:path";
import type { SandboxProvider } from "@hhopkins/agent-runtime";
import { dockerSandbox } from "@hhopkins/agent-runtime/sandbox/docker";
import { localSandbox } from "@hhopkins/agent-runtime/sandbox/local";
import { modalSandbox } from "@hhopkins/agent-runtime/sandbox/modal";
import { unsafeProcessSandbox } from "@hhopkins/agent-runtime/sandbox/unsafe-process";

/** Where sandboxes come from, as plain data, so that another process can have the same. Modal's URL is in `MODAL_SERVER_URL`. */
export type Place =
  | { readonly provider: "local" | "unsafe-process" }
  | { readonly provider: "docker"; readonly host: string; readonly image: string }
  | { readonly provider: "modal"; readonly tokenId: string; readonly tokenSecret: string };

/** `folder` is its data directory's parent, where it has one. */
export function providerOf(place: Place, folder: string): SandboxProvider {
  const dataDir = join(folder, "data");
  switch (place.provider) {
    case "local":
      return localSandbox({ dataDir });
    case "unsafe-process":
      return unsafeProcessSandbox({ dataDir });
    case "docker":
      return dockerSandbox({ dataDir, host: place.host, image: place.image, pull: "never" });
    case "modal":
      return modalSandbox({ tokenId: place.tokenId, tokenSecret: place.tokenSecret, appName: "bench" });
  }
}
