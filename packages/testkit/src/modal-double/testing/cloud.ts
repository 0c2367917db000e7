import { type App, type Image, ModalClient, type Sandbox, type SandboxCreateParams } from "modal";
import { type ModalDouble, type ModalDoubleOptions, startModalDouble } from "../index.ts";

/** A double, a client of the unmodified SDK, and what most tests begin with. */
export interface Cloud extends AsyncDisposable {
  readonly double: ModalDouble;
  readonly client: ModalClient;
  readonly app: App;
  readonly image: Image;
  /** Another process would have another client. */
  anotherClient(credentials?: { tokenId: string; tokenSecret: string }): ModalClient;
  sandbox(params?: SandboxCreateParams): Promise<Sandbox>;
}

export async function startCloud(options: ModalDoubleOptions = {}): Promise<Cloud> {
  const double = await startModalDouble(options);
  const anotherClient: Cloud["anotherClient"] = (credentials = double) => {
    // Read by the SDK when a client is made, and from nowhere else.
    process.env["MODAL_SERVER_URL"] = double.url;
    const { tokenId, tokenSecret } = credentials;
    return new ModalClient({ tokenId, tokenSecret, logLevel: "error" });
  };
  const client = anotherClient();
  const app = await client.apps.fromName("tests", { createIfMissing: true });
  const image = await client.images.fromRegistry("node:24").build(app);
  return {
    double,
    client,
    app,
    image,
    anotherClient,
    sandbox: (params) => client.sandboxes.create(app, image, params),
    [Symbol.asyncDispose]: () => double.stop(),
  };
}

/** What a command says and how it ends. */
export async function run(sandbox: Sandbox, command: string[], input?: string) {
  const process = await sandbox.exec(command);
  if (input !== undefined) await process.stdin.writeText(input);
  await process.stdin.close();
  const [stdout, stderr] = await Promise.all([process.stdout.readText(), process.stderr.readText()]);
  return { stdout, stderr, code: await process.wait() };
}
