// Makes the bundles that source alone cannot serve: the runner, and what starts programs beside it, as one file each that
// a sandbox with Node can run. Each file is replaced in one step, so running servers and tests never read half of one.
import { existsSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, stop } from "esbuild";
import { buildConsole } from "./console.mjs";
import { place } from "./place.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

const bundles = [
  {
    source: "packages/runner/src/main.ts",
    target: "packages/runner/dist/runner.mjs",
    options: {
      platform: "node",
      target: "node22",
      external: ["@anthropic-ai/claude-agent-sdk"],
      // Node would read it at each start, and nothing in a sandbox uses it.
      sourcemap: false,
      // CommonJS dependencies inside the bundle may call `require`.
      banner: {
        js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
      },
    },
  },
  {
    source: "packages/runtime/src/sandbox/exec-supervisor.ts",
    target: "packages/runtime/dist/exec-supervisor.mjs",
    options: { platform: "node", target: "node22", sourcemap: false },
  },
  ...["boot", "bridge"].map((name) => ({
    source: `packages/runtime/src/sandbox/modal/inside/${name}.ts`,
    target: `packages/runtime/dist/modal-${name}.mjs`,
    options: { platform: "node", target: "node22", sourcemap: false },
  })),
];

/** Builds every bundle whose source exists, and the console, and answers the paths it made. */
export async function bundle() {
  const made = [];
  for (const { source, target, options } of bundles) {
    if (!existsSync(join(root, source))) continue;
    const { outputFiles } = await build({
      absWorkingDir: root,
      entryPoints: [source],
      bundle: true,
      format: "esm",
      sourcemap: "inline",
      legalComments: "none",
      logLevel: "error",
      write: false,
      ...options,
    });
    for (const file of outputFiles) place(join(root, target), Buffer.from(file.contents));
    made.push(target);
  }
  // Its process would live as long as this one, which may be a server.
  await stop();
  if (await buildConsole()) made.push("apps/server/dist/console");
  return made;
}

if (extname(process.argv[1] ?? "") === ".mjs" && fileURLToPath(import.meta.url) === process.argv[1]) {
  for (const path of await bundle()) console.log(`bundled ${path}`);
}
