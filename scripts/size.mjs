// What the client weighs in a browser: bundled, minified, gzipped. Fails above its budget.
import { build } from "esbuild";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
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
