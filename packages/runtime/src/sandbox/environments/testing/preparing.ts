// A server of its own that sets up an environment, and is killed by the test: arguments are the data directory, the
// installer's bundle and a shell command.
import type { Duplex } from "node:stream";
import { npmPackage } from "../npm-package.ts";
import { localSandbox } from "../../local/index.ts";

const [dataDir = "", bundle = "", folder = "", installCommand = ""] = process.argv.slice(2);
const provider = localSandbox({ dataDir, pollMs: 20 });
const installer = { bundle, packages: { npm: npmPackage([import.meta.url]) } };
const install = {
  hash: "0".repeat(64),
  npm: [],
  pip: [],
  projects: [{ name: "tool", folder, installCommand }],
  registries: { npm: "http://127.0.0.1:1/", pip: "http://127.0.0.1:1/" },
  installer,
  proxy: { token: "none", serve: (stream: Duplex) => void stream.destroy() },
};
await provider.prepare?.(
  { runner: installer, install },
  { signal: new AbortController().signal, onProgress: (message) => void process.stdout.write(`${message}\n`) },
);
