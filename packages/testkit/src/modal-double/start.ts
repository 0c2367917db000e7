import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { basename, extname } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { type ModalDoubleControl, connectToControl } from "./control-client.ts";
import { removeLimitGroups } from "./limits.ts";

export interface ModalDoubleOptions {
  /** A free one by default. */
  readonly port?: number;
  /** The token pair that the double takes; one is made up by default. */
  readonly tokenId?: string;
  readonly tokenSecret?: string;
  /** npm packages that images may install, by name, as folders of this machine: they are bound, and no registry is asked. */
  readonly packages?: Readonly<Record<string, string>>;
  /** Whether RUN commands of images see this machine's network, for registries on loopback (false). */
  readonly buildNetwork?: boolean;
  /** Number of the user and group that the double runs as, where this process may choose: its sandboxes are that user's. */
  readonly uid?: number;
}

export interface ModalDouble extends AsyncDisposable {
  /** For `MODAL_SERVER_URL`: the SDK reads it when a `ModalClient` is made. */
  readonly url: string;
  readonly tokenId: string;
  readonly tokenSecret: string;
  /** Of the double's process. */
  readonly pid: number;
  /** Its temporary files. */
  readonly folder: string;
  readonly control: ModalDoubleControl;
  /** Ends the process, and every sandbox in it. */
  stop(): Promise<void>;
}

const PROGRAM = fileURLToPath(new URL(`../bin/modal-double${extname(import.meta.url)}`, import.meta.url));
const readySchema = z.object({ url: z.string(), controlUrl: z.string(), folder: z.string() });

/**
 * FOR TESTS: starts a stand-in for Modal's cloud, as a process of its own. It speaks Modal's gRPC to the SDK `modal`
 * 0.11.1, and its sandboxes are bubblewrap's, on this machine, without a network. It ends with the process that
 * started it. Needs Linux, bubblewrap, and the packages `modal` and `nice-grpc`.
 */
export async function startModalDouble(options: ModalDoubleOptions = {}): Promise<ModalDouble> {
  const tokenId = options.tokenId ?? `ak-${randomBytes(11).toString("hex")}`;
  const tokenSecret = options.tokenSecret ?? `as-${randomBytes(11).toString("hex")}`;
  const child = spawn(process.execPath, ["--no-warnings", PROGRAM, ...argumentsOf(options)], {
    // Its input stays open for as long as this process lives; its credentials are not for its command line.
    stdio: ["pipe", "pipe", "inherit"],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
    env: {
      PATH: process.env["PATH"],
      TMPDIR: process.env["TMPDIR"],
      MODAL_TOKEN_ID: tokenId,
      MODAL_TOKEN_SECRET: tokenSecret,
    },
  });
  const { url, controlUrl, folder } = await ready(child, child.stdout);
  const closed = once(child, "close");
  child.stdin.on("error", () => undefined);
  const stop = async (): Promise<void> => {
    child.stdin.end();
    await closed;
    // When it was killed, it could not tidy up.
    await removeLimitGroups(basename(folder));
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  const control = connectToControl(controlUrl);
  return { url, tokenId, tokenSecret, pid: child.pid ?? 0, folder, control, stop, [Symbol.asyncDispose]: stop };
}

function argumentsOf({ port = 0, packages = {}, buildNetwork = false }: ModalDoubleOptions): readonly string[] {
  const named = Object.entries(packages).flatMap(([name, folder]) => ["--package", `${name}=${folder}`]);
  return ["--port", String(port), "--until-input-ends", ...named, ...(buildNetwork ? ["--build-network"] : [])];
}

async function ready(child: ChildProcess, stdout: Readable): Promise<z.output<typeof readySchema>> {
  const line = createInterface({ input: stdout });
  const failed = Promise.withResolvers<never>();
  child.once("error", failed.reject);
  child.once("close", (code) =>
    failed.reject(new Error(`The Modal double ended with code ${code} before it was ready`)),
  );
  const [text] = (await Promise.race([once(line, "line"), failed.promise])) as [string];
  failed.promise.catch(() => undefined);
  return readySchema.parse(JSON.parse(text));
}
