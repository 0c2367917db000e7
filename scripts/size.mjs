// What the client weighs in a browser: bundled, minified, gzipped; and the console until its first view. Fails above its budget.
import { build } from "esbuild";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { buildConsole } from "./console.mjs";
import { root } from "./pnpm.mjs";

/** Bytes that each entry may have; what is external a page has anyway. */
const budgets = [
  { entry: "packages/client/src/index.ts", bytes: 15_000, external: [] },
  { entry: "packages/react/src/index.ts", bytes: 20_000, external: ["react"] },
];

for (const { entry, bytes, external } of budgets) {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [join(root, entry)],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    external,
    metafile: true,
    write: false,
  });
  const size = gzipSync(outputFiles[0].contents, { level: 9 }).length;
  const parts = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0),
  );
  const foreign = parts.map(([path]) => path).filter((path) => path.includes("node_modules/"));
  console.log(`${entry}: ${size} bytes gzipped of ${bytes}`);
  if (size <= bytes && foreign.length === 0) continue;
  if (foreign.length > 0) console.error(`${entry} brings in ${foreign.join(", ")}`);
  else console.error(`${entry} is over its budget`);
  process.exitCode = 1;
}

/** Bytes of the console's page with all that it names: what is fetched before anything is shown. */
const consoleBudget = 300_000;
await buildConsole();
const folder = join(root, "apps/server/dist/console");
const page = readFileSync(join(folder, "index.html"), "utf8");
const named = Array.from(page.matchAll(/(?:src|href)="\.\/([^"]+\.(?:js|css))"/g), ([, path]) => path);
const files = ["index.html", ...named].map((path) => gzipSync(readFileSync(join(folder, path)), { level: 9 }).length);
const first = files.reduce((sum, size) => sum + size, 0);
console.log(`the console's first view: ${first} bytes gzipped of ${consoleBudget}, in ${files.length} files`);
if (first > consoleBudget || named.length === 0) {
  console.error("The console's first view is over its budget: let what is not needed at first come later.");
  process.exitCode = 1;
}
