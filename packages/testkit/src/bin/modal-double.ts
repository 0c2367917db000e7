#!/usr/bin/env node
import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";

const usage = `agent-runtime-modal-double [--port N] [--package NAME=FOLDER]... [--build-network]

FOR TESTS: a stand-in for Modal's cloud, for the SDK modal 0.11.1. Its sandboxes are bubblewrap's, on this machine.

  --port N               listen on this port of 127.0.0.1; a free one by default
  --package NAME=FOLDER  images may install this npm package: the folder is bound
  --build-network        RUN commands of images see this machine's network
  --until-input-ends     end when the input closes
  --help                 this text

It takes the token pair of MODAL_TOKEN_ID and MODAL_TOKEN_SECRET, or makes one up. Its first line is JSON:
url (for MODAL_SERVER_URL), controlUrl, folder (its temporary files), and the token pair if it was made up.
`;

function readArguments() {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "0" },
      package: { type: "string", multiple: true, default: [] },
      "build-network": { type: "boolean", default: false },
      "until-input-ends": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`--port must be 0 to 65535, not "${values.port}".`);
  const packages = values.package.map((text) => {
    const at = text.indexOf("=");
    if (at < 1) throw new Error(`--package must be NAME=FOLDER, not "${text}".`);
    return [text.slice(0, at), text.slice(at + 1)] as const;
  });
  return { ...values, port, packages: Object.fromEntries(packages) };
}

async function main(): Promise<void> {
  const values = readArguments();
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  // Not before the arguments are known to be good: it loads the whole SDK.
  const { startModalDoubleServer } = await import("../modal-double/server.ts");
  const { MODAL_TOKEN_ID, MODAL_TOKEN_SECRET } = process.env;
  const made = {
    tokenId: `ak-${randomBytes(11).toString("hex")}`,
    tokenSecret: `as-${randomBytes(11).toString("hex")}`,
  };
  const given = MODAL_TOKEN_ID !== undefined && MODAL_TOKEN_SECRET !== undefined;
  const credentials = given ? { tokenId: MODAL_TOKEN_ID, tokenSecret: MODAL_TOKEN_SECRET } : made;
  const { port, packages } = values;
  const double = await startModalDoubleServer({ ...credentials, port, packages, network: values["build-network"] });
  const { url, controlUrl, folder } = double;
  process.stdout.write(`${JSON.stringify({ url, controlUrl, folder, ...(given ? {} : made) })}\n`);
  let stopping: Promise<void> | undefined;
  const stop = (): void => {
    stopping ??= double.stop().finally(() => process.exit(0));
  };
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  if (values["until-input-ends"]) process.stdin.once("end", stop).once("error", stop).resume();
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\nSee --help.\n`);
  process.exitCode = 1;
});
