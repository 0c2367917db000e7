import { RUNNER_ARCHITECTURES } from "@hhopkins/agent-runtime-runner/manifest";
import { startModalDouble } from "@hhopkins/agent-runtime-testkit/modal-double";
import { ModalClient, type Sandbox } from "modal";
import { FILE_BYTES, expectFile, timed } from "./bare.ts";
import type { Ground } from "./grounds.ts";

const FILE = "/tmp/file.bin";

/** Modal's stand-in on this machine, beside Modal's own SDK on the same one: what the cloud takes is not in it. */
export async function modalGround(): Promise<Ground> {
  const packages = RUNNER_ARCHITECTURES["claude-agent-sdk"]?.resolvePackages(import.meta.url) ?? {};
  const double = await startModalDouble({ packages });
  const { tokenId, tokenSecret, url } = double;
  const before = process.env["MODAL_SERVER_URL"];
  // The session's server inherits it.
  process.env["MODAL_SERVER_URL"] = url;
  const client = new ModalClient({ tokenId, tokenSecret, logLevel: "error" });
  const app = await client.apps.fromName("bare", { createIfMissing: true });
  const image = await client.images.fromRegistry("node:24-bookworm").build(app);
  const create = (): Promise<Sandbox> => client.sandboxes.create(app, image, { timeoutMs: 3_600_000 });
  const sandbox = await create();

  async function ready(): Promise<number> {
    let made: Sandbox | undefined;
    const ms = await timed(async () => {
      made = await create();
      await exec(made, ["node", "-e", "0"]);
    });
    await made?.terminate();
    return ms;
  }

  return {
    place: { provider: "modal", tokenId, tokenSecret },
    about: "SDK 0.11.1 on the double",
    bare: [
      { step: "ready", name: "SDK: create, and a node in it", measure: ready },
      { step: "exec", name: "SDK: exec of true", measure: () => timed(() => exec(sandbox, ["true"])) },
      {
        step: "write",
        name: "SDK: writeBytes",
        measure: () => timed(() => sandbox.filesystem.writeBytes(FILE_BYTES, FILE)),
      },
      {
        step: "read",
        name: "SDK: readBytes",
        measure: () => timed(async () => expectFile(await sandbox.filesystem.readBytes(FILE))),
      },
    ],
    async close() {
      await sandbox.terminate();
      client.close();
      if (before === undefined) delete process.env["MODAL_SERVER_URL"];
      else process.env["MODAL_SERVER_URL"] = before;
      await double.stop();
    },
  };
}

async function exec(sandbox: Sandbox, command: string[]): Promise<void> {
  const code = await (await sandbox.exec(command)).wait();
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}`);
}
