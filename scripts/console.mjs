// Builds the console into the folder that the server serves, where its sources have changed since the last build.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { place } from "./place.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const source = join(root, "apps/console");
const target = join(root, "apps/server/dist/console");
/** What the last build was made of. */
const stamp = join(target, ".built-from");

/** The files in a folder, and with `recursive` those below it. People's own Node may be 20, which has no `globSync`. */
function filesIn(folder, recursive) {
  const entries = readdirSync(folder, { recursive, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

function fingerprint() {
  const hash = createHash("sha256");
  const folders = ["apps/console/src", "apps/console/public"].concat(
    ["client", "react", "protocol"].map((name) => `packages/${name}/src`),
  );
  const files = [
    ...filesIn(source, false),
    ...folders.flatMap((folder) => filesIn(join(root, folder), true)),
    join(root, "pnpm-lock.yaml"),
    fileURLToPath(import.meta.url),
  ];
  for (const path of files.sort((a, b) => (a < b ? -1 : 1))) {
    if (/\.test\.tsx?$|\/testing\//.test(path)) continue;
    hash.update(`${path.slice(root.length)}\0`).update(readFileSync(path));
  }
  return hash.digest("hex");
}

/** Vite belongs to the console, so it is found from there. */
async function vite() {
  const require = createRequire(join(source, "package.json"));
  const manifest = require.resolve("vite/package.json");
  return import(pathToFileURL(join(dirname(manifest), "dist/node/index.js")).href);
}

/** Pages that are open may still fetch their parts for a while. */
const KEPT_MS = 3_600_000;

function removeOld(built) {
  for (const name of readdirSync(join(target, "assets"))) {
    const path = join(target, "assets", name);
    if (!built.has(`assets/${name}`) && Date.now() - statSync(path).mtimeMs > KEPT_MS) rmSync(path);
  }
}

/** Answers whether it had to build. Servers that run, and builds beside this one, never see half of it: the page comes last. */
export async function buildConsole() {
  const made = fingerprint();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === made) return false;
  mkdirSync(join(root, "apps/server/dist"), { recursive: true });
  const folder = mkdtempSync(join(root, "apps/server/dist/.console-"));
  // Whoever builds it, such as tests: what is served is not React for development.
  const environment = process.env.NODE_ENV;
  process.env.NODE_ENV = "production";
  try {
    const { build } = await vite();
    await build({ configFile: join(source, "vite.config.ts"), logLevel: "error", build: { outDir: folder } });
    const files = filesIn(folder, true).map((path) => path.slice(folder.length + 1));
    for (const file of files.sort((a, b) => Number(a === "index.html") - Number(b === "index.html"))) {
      place(join(target, file), readFileSync(join(folder, file)));
    }
    place(stamp, Buffer.from(made));
    removeOld(new Set(files));
  } finally {
    if (environment === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = environment;
    rmSync(folder, { recursive: true, force: true });
  }
  return true;
}
