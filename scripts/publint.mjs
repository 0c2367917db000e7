// Packs every published package as a registry would get it, and lints what is inside.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { build } from "./build.mjs";
import { pnpm, root } from "./pnpm.mjs";

const folders = ["packages", "apps"].flatMap((parent) =>
  readdirSync(join(root, parent)).map((name) => join(root, parent, name)),
);

/** Packs one package and answers the problems that are found in it. */
async function problemsOf(folder, target) {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const tarball = join(target, `${manifest.name.replace(/[@/]/g, "-")}.tgz`);
  if ((await pnpm(["pack", "--out", tarball], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] })) !== 0) {
    return [`${manifest.name}: cannot be packed`];
  }
  const bytes = readFileSync(tarball);
  const { messages } = await publint({
    strict: true,
    pack: { tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) },
  });
  return messages
    .filter((message) => message.type !== "suggestion")
    .map((message) => `${manifest.name}: ${formatMessage(message, manifest) ?? message.code}`);
}

const target = mkdtempSync(join(tmpdir(), "agent-runtime-pack-"));
try {
  if ((await build()) !== 0) {
    console.error("The packages cannot be built.");
    process.exitCode = 1;
  } else {
    for (const folder of folders) {
      for (const problem of await problemsOf(folder, target)) {
        console.error(problem);
        process.exitCode = 1;
      }
    }
  }
} finally {
  rmSync(target, { recursive: true, force: true });
}
