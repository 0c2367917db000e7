import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterEach, beforeEach, expect, test } from "vitest";
import { copyConvexFunctions } from "./index.ts";

/** Beside our sources, because that is where `convex` is found. */
const HERE = dirname(fileURLToPath(import.meta.url));
const SOURCES = join(HERE, "functions");
let project = "";
let folder = "";

beforeEach(() => {
  project = mkdtempSync(join(HERE, ".copied-"));
  folder = join(project, "convex", "agentRuntime");
});
afterEach(() => rmSync(project, { recursive: true }));

const names = readdirSync(SOURCES).toSorted();

test("every file is copied, into a folder that is made; again it changes nothing", () => {
  expect(copyConvexFunctions({ folder })).toEqual({ folder, written: names, unchanged: [] });
  expect(readdirSync(folder).toSorted()).toEqual(names);
  expect(copyConvexFunctions({ folder })).toEqual({ folder, written: [], unchanged: names });
});

test("they are in the published package, where the adapter of its dist looks for them", () => {
  const root = join(HERE, "../../..");
  const { files } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { files: string[] };
  expect(files).toContain("src/persistence/convex/functions");
  const source = readFileSync(join(HERE, "copy.ts"), "utf8");
  const [, path = ""] = /new URL\("(.*?)", import\.meta\.url\)/.exec(source) ?? [];
  for (const place of ["src", "dist"]) {
    expect(join(root, place, "persistence/convex", path, "x")).toBe(join(SOURCES, "x"));
  }
});

test("a file that was changed is not overwritten without force, and then nothing is", () => {
  copyConvexFunctions({ folder });
  const changed = join(folder, "reads.ts");
  writeFileSync(changed, "// mine");
  rmSync(join(folder, "lists.ts"));
  expect(() => copyConvexFunctions({ folder })).toThrow(/reads\.ts differ from this version's.*--force/);
  expect(readFileSync(changed, "utf8")).toBe("// mine");
  expect(existsSync(join(folder, "lists.ts"))).toBe(false);
  expect(copyConvexFunctions({ folder, force: true }).written).toEqual(["lists.ts", "reads.ts"]);
  expect(readFileSync(changed, "utf8")).toContain("export const events");
});

test("a folder of another name is refused: the adapter would not find them", () => {
  expect(() => copyConvexFunctions({ folder: join(project, "convex", "other") })).toThrow(
    /the folder's name must be agentRuntime/,
  );
});

test("they compile in a new Convex project, beside a schema that has tables of its own, and can be bundled", async () => {
  copyConvexFunctions({ folder });
  const schema = `import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { agentRuntimeTables } from "./agentRuntime/schema";
export default defineSchema({ ...agentRuntimeTables, tasks: defineTable({ text: v.string() }) });
`;
  writeFileSync(join(project, "convex", "schema.ts"), schema);
  // What `npx convex dev` writes into a new project.
  const compilerOptions = {
    allowJs: true,
    strict: true,
    moduleResolution: "Bundler",
    jsx: "react-jsx",
    skipLibCheck: true,
    allowSyntheticDefaultImports: true,
    target: "ESNext",
    lib: ["ES2023", "dom"],
    forceConsistentCasingInFileNames: true,
    module: "ESNext",
    isolatedModules: true,
    noEmit: true,
    types: [],
  };
  const config = join(project, "convex", "tsconfig.json");
  writeFileSync(config, JSON.stringify({ compilerOptions, include: ["./**/*"] }));
  const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
  expect(execFileSync(process.execPath, [tsc, "-p", config], { encoding: "utf8" })).toBe("");
  const entries = names.map((name) => join(folder, name));
  const options = { platform: "browser", format: "esm", bundle: true, write: false, outdir: project } as const;
  const { errors, outputFiles } = await build({ ...options, entryPoints: entries, logLevel: "silent" });
  expect(errors).toEqual([]);
  expect(outputFiles).toHaveLength(names.length);
  // Convex takes letters, digits, underscores and points in the names of files of functions.
  for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_]+\.ts$/);
});
