import { RUNNER_ARCHITECTURES } from "@hhopkins/agent-runtime-runner/manifest";
import { startModalDouble } from "@hhopkins/agent-runtime-testkit/modal-double";
import { ModalClient } from "modal";
import { buffer } from "node:stream/consumers";

/** Where a server's sandboxes are, when they are not on this host's disk. */
export interface CloudGround extends AsyncDisposable {
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** A file of the session's newest sandbox; "" where there is none. */
  readFile(sessionId: string, path: string): Promise<string>;
}

/** Modal's stand-in, which nobody kills. Files are read by the SDK itself, past everything that the server knows. */
export async function modalGround(): Promise<CloudGround> {
  const double = await startModalDouble({
    packages: RUNNER_ARCHITECTURES["claude-agent-sdk"]?.resolvePackages(import.meta.url) ?? {},
  });
  const { tokenId, tokenSecret, url, control } = double;
  const before = process.env["MODAL_SERVER_URL"];
  process.env["MODAL_SERVER_URL"] = url;
  const client = new ModalClient({ tokenId, tokenSecret, logLevel: "error" });
  if (before === undefined) delete process.env["MODAL_SERVER_URL"];
  else process.env["MODAL_SERVER_URL"] = before;

  async function newest(sessionId: string): Promise<string | undefined> {
    const { sandboxes } = await control.report();
    const own = sandboxes.filter(({ tags, state }) => tags["session"] === sessionId && state === "running");
    return own.toSorted((a, b) => Number(a.tags["generation"]) - Number(b.tags["generation"])).at(-1)?.sandboxId;
  }

  return {
    flags: ["--sandbox", "modal"],
    environment: { MODAL_TOKEN_ID: tokenId, MODAL_TOKEN_SECRET: tokenSecret, MODAL_SERVER_URL: url },
    async readFile(sessionId, path) {
      const id = await newest(sessionId);
      if (id === undefined) return "";
      const sandbox = await client.sandboxes.fromId(id);
      const program = await sandbox.exec(["cat", `/workspace/${path}`], { mode: "binary" });
      const bytes = await buffer(program.stdout);
      sandbox.detach();
      return bytes.toString("utf8");
    },
    async [Symbol.asyncDispose]() {
      client.close();
      await double.stop();
    },
  };
}
