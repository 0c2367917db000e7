// A server of its own that sets up an environment, and is killed by the test: arguments are the data directory, the
// installer's bundle and a shell command.
import { npmPackage } from "../npm-package.ts";
import { localSandbox } from "../../local/index.ts";

const [dataDir = "", bundle = "", folder = "", installCommand = ""] = process.argv.slice(2);
const provider = localSandbox({ dataDir, pollMs: 20 });
await provider.prepare?.(
  {
    hash: "0".repeat(64),
    npm: [],
    pip: [],
    projects: [{ name: "tool", folder, installCommand }],
    registries: { npm: "http://127.0.0.1:1/", pip: "http://127.0.0.1:1/" },
    installer: { bundle, packages: { npm: npmPackage([import.meta.url]) } },
    proxy: { token: "none", serve: (stream) => void stream.destroy() },
  },
  { signal: new AbortController().signal, onProgress: (message) => void process.stdout.write(`${message}\n`) },
);
