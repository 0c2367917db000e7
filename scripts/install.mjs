// Brings the workspace's dependencies, and the Node that everything here runs on. Needs nothing but Node 20.19 and npm.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pnpm, root } from "./pnpm.mjs";

const STAMP = join(root, "node_modules", ".installed");

/** The Node that runs all of our code, installed by the project itself. */
export const node = join(root, "node_modules", "node", "bin", "node");

function manifests() {
  const folders = ["packages", "apps"].flatMap((parent) =>
    readdirSync(join(root, parent)).map((name) => join(parent, name)),
  );
  return ["", ...folders, "tests", "bench", "examples"]
    .map((folder) => join(folder, "package.json"))
    .filter((path) => existsSync(join(root, path)))
    .sort();
}

/** What an install depends on; where it is unchanged, what is installed is right. */
function fingerprint() {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}\n`);
  for (const path of ["pnpm-lock.yaml", "pnpm-workspace.yaml", ...manifests()]) {
    hash.update(`${path}\n`).update(readFileSync(join(root, path)));
  }
  return hash.digest("hex");
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`This needs Node 20.19 or newer to install itself; this is ${process.version}.`);
  process.exit(1);
}

/** Installs where something is missing or changed; else it takes a few milliseconds. */
export async function ensureInstalled() {
  checkNode();
  const wanted = fingerprint();
  if (existsSync(node) && existsSync(STAMP) && readFileSync(STAMP, "utf8") === wanted) return;
  console.log("Installing dependencies (the first time about 300 MB are downloaded, half of it the agent's program) …");
  const started = Date.now();
  const code = await pnpm(["install", "--frozen-lockfile"]);
  if (code !== 0) {
    console.error("The installation failed; what went wrong is above. Nothing was started.");
    process.exit(1);
  }
  writeFileSync(STAMP, wanted);
  console.log(`Installed in ${Math.round((Date.now() - started) / 1000)} s.`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await ensureInstalled();
