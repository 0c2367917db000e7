import { lstat, mkdtemp, readFile, readdir, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { installSteps, installVariables } from "@hhopkins/agent-runtime-runner/install";
import { copyProject } from "../environments/project-files.ts";
import type { EnvironmentSpec } from "../port.ts";
import { INSIDE } from "./inside/paths.ts";
import { putBytes } from "./programs.ts";

/** Of the projects of a profile, compressed and in base64: they are carried by the commands of an image. */
const MOST_PROJECT_CHARS = 4 * 1024 * 1024;

/** What a project is carried as. */
type Entry = readonly [path: string, type: "file" | "link" | "folder", content: string, executable: boolean];

const UNPACK = [
  "const fs = require('fs')",
  "const [from, to] = process.argv.slice(1)",
  "fs.mkdirSync(to, { recursive: true })",
  "for (const [path, type, content, executable] of JSON.parse(fs.readFileSync(from, 'utf8'))) {",
  "const at = to + '/' + path",
  "if (type === 'folder') fs.mkdirSync(at, { recursive: true })",
  "else if (type === 'link') fs.symlinkSync(content, at)",
  "else fs.writeFileSync(at, Buffer.from(content, 'base64'), { mode: executable ? 0o755 : 0o644 })",
  "}",
  "fs.rmSync(from)",
]
  .join("; ")
  .replaceAll("{;", "{");

/** Commands of the image's layer that sets up what a profile wants. Throws `environment_failed`. */
export async function environmentCommands(install: EnvironmentSpec): Promise<string[]> {
  const at = { environment: INSIDE.environment, npm: ["npm"] };
  const { npm, pip, registries } = install;
  const request = { npm: [...npm], pip: [...pip], projects: [...install.projects], registries: { ...registries } };
  const variables = Object.entries({
    ...installVariables(request),
    PATH: `${INSIDE.environment}/node_modules/.bin:${INSIDE.environment}/python/bin:$PATH`,
  }).map(([name, value]) => `${name}=${name === "PATH" ? `"${value}"` : quoted(value)}`);
  const projects = await Promise.all(install.projects.map(({ name, folder }) => projectCommands(name, folder)));
  const commands = [
    `RUN mkdir -p ${INSIDE.environment}/projects && cd ${INSIDE.environment} && echo '{"private":true}' > package.json`,
    ...projects.flat(),
    ...installSteps(request, at).map(
      ({ command, cwd }) =>
        `RUN cd ${quoted(cwd)} && export ${variables.join(" ")} && ${command.map(quoted).join(" ")}`,
    ),
    // Where Node's `import` looks from the workspace on.
    `RUN mkdir -p ${INSIDE.environment}/node_modules && ln -sfn ${INSIDE.environment}/node_modules /node_modules`,
    `RUN chmod -R a+rX,go-w ${INSIDE.environment}`,
  ];
  if (projects.flat().reduce((sum, command) => sum + command.length, 0) > MOST_PROJECT_CHARS) {
    throw new RuntimeError(
      "environment_failed",
      `The projects of the profile are too large for Modal: ${MOST_PROJECT_CHARS / 1024 / 1024} MiB at most, compressed, without node_modules, .venv and .git.`,
      { field: "bundledMCPs.localProjectPath" },
    );
  }
  return commands;
}

async function projectCommands(name: string, folder: string): Promise<string[]> {
  const scratch = await mkdtemp(join(tmpdir(), "agent-project-"));
  try {
    await copyProject(name, folder, scratch);
    const entries: Entry[] = [];
    await walk(scratch, "", entries);
    const text = gzipSync(JSON.stringify(entries), { level: 9 }).toString("base64");
    const part = `${INSIDE.environment}/projects/${name}.json`;
    const to = `${INSIDE.environment}/projects/${name}`;
    return [...putBytes(text, part), `RUN node -e ${quoted(UNPACK)} ${part} ${to}`];
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** In one order, so that the same files make the same layer. */
async function walk(root: string, path: string, entries: Entry[]): Promise<void> {
  for (const child of (await readdir(join(root, path))).toSorted()) {
    const at = path === "" ? child : `${path}/${child}`;
    const stat = await lstat(join(root, at));
    if (stat.isSymbolicLink()) entries.push([at, "link", await readlink(join(root, at)), false]);
    else if (stat.isDirectory()) {
      entries.push([at, "folder", "", false]);
      await walk(root, at, entries);
    } else entries.push([at, "file", (await readFile(join(root, at))).toString("base64"), (stat.mode & 0o100) !== 0]);
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
