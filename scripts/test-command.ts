import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Plugin } from "esbuild";
import { place } from "./place.mjs";

const root = join(import.meta.dirname, "..");
const folder = join(root, "apps/server/node_modules/.cache/test-command");

/** The command as tests start it, by the hundred: in one file and compiled, it starts in half of what its sources need. */
export const COMMAND = join(folder, "main.js");
/** What it is to be started with. */
export const COMMAND_ENVIRONMENT = { NODE_COMPILE_CACHE: join(folder, "compiled"), TMPDIR: tmpdir() };

const ASKED = Symbol("asked");

/** What looks for files beside itself finds them where its source is. */
const asIfUnbundled: Plugin = {
  name: "as-if-unbundled",
  setup(bundler) {
    bundler.onLoad({ filter: /\.([cm]?js|ts)$/ }, ({ path }) => {
      const places: Readonly<Record<string, string>> = {
        "import.meta.url": pathToFileURL(path).href,
        "import.meta.dirname": dirname(path),
        __dirname: dirname(path),
        __filename: path,
      };
      const contents = readFileSync(path, "utf8").replaceAll(
        /\bimport\.meta\.(?:url|dirname)\b|\b__(?:dirname|filename)\b/g,
        (name) => JSON.stringify(places[name]),
      );
      return { contents, loader: path.endsWith(".ts") ? "ts" : "js" };
    });
    // Packages that are imported when they are needed stay where they are.
    bundler.onResolve({ filter: /^[^.]/ }, async ({ path, kind, resolveDir, pluginData }) => {
      if (kind !== "dynamic-import" || pluginData === ASKED) return undefined;
      const found = await bundler.resolve(path, { kind, resolveDir, pluginData: ASKED });
      return { ...found, external: true };
    });
  },
};

/** Makes the command from today's sources. */
export async function makeCommand(): Promise<void> {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ["apps/server/src/main.ts"],
    outfile: COMMAND,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node24",
    legalComments: "none",
    logLevel: "error",
    write: false,
    plugins: [asIfUnbundled],
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
  });
  for (const { path, contents } of outputFiles) place(path, Buffer.from(contents));
  // A process that is killed, as most of those in tests are, leaves nothing in the cache.
  execFileSync(process.execPath, [COMMAND, "serve", "--help"], {
    env: { ...process.env, ...COMMAND_ENVIRONMENT },
    stdio: ["ignore", "ignore", "inherit"],
  });
}
