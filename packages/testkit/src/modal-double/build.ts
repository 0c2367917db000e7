import { join } from "node:path";
import { z } from "zod";
import { type Box, type BoxProgram, startBox } from "./box.ts";
import type { Image } from "./image.ts";
import type { Exit } from "./inside/frames.ts";
import type { Output } from "./output.ts";
import type { Variables } from "./secrets.ts";
import { type Bind, copyTree } from "./tree.ts";

export interface BuildOptions {
  /** npm packages of this machine that images may have, by name: `npm install` of one binds its folder. */
  readonly packages: Readonly<Record<string, string>>;
  /** RUN commands see this host's network, for a registry on loopback. */
  readonly network: boolean;
  /** The control group that those of all builds are in. */
  readonly group: string;
}

export interface BuildPlan {
  readonly id: string;
  readonly base: Omit<Image, "id">;
  readonly commands: readonly string[];
  readonly secrets: Variables;
  readonly folder: string;
  readonly log: (text: string) => void;
}

/** Where the stand-in for `npm` finds the packages, and where it notes what it put where. */
const PACKAGES_INSIDE = "/__modal/packages";
const NOTES_INSIDE = "/__modal/installed.json";
const BUILD_TIMEOUT_MS = 10 * 60_000;
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const notesSchema = z.array(z.strictObject({ name: z.string(), to: z.string().startsWith("/") }));

/** Carries out the lines of a layer after FROM: RUN, ENV, WORKDIR. Rejects where a command fails; its words are in the log. */
export async function buildImage(plan: BuildPlan, options: BuildOptions): Promise<Image> {
  const tree = await copyTree(plan.base.tree, join(plan.folder, "tree"));
  const offered = Object.entries(options.packages).map(([name, from]) => ({ from, to: `${PACKAGES_INSIDE}/${name}` }));
  // Everything happens inside: a link in the tree must not lead this process anywhere.
  const box = await startBox({
    tree: { ...tree, binds: [...tree.binds, ...offered] },
    outputs: join(plan.folder, "outputs"),
    hostNetwork: options.network,
    group: `${options.group}/${plan.id}`,
    limits: { memoryBytes: 4 * 1024 ** 3, processes: 1024 },
  });
  const timer = setTimeout(() => void box.end(), BUILD_TIMEOUT_MS);
  try {
    let image: Image = { ...plan.base, id: plan.id, tree };
    for (const [at, line] of plan.commands.entries()) {
      plan.log(`Step ${at + 1}: ${line}\n`);
      image = await carryOut(line, { image, plan, box });
    }
    const binds = await installed(box, options);
    return { ...image, tree: { ...tree, binds: [...tree.binds, ...binds] } };
  } finally {
    clearTimeout(timer);
    await box.end();
  }
}

interface Step {
  readonly image: Image;
  readonly plan: BuildPlan;
  readonly box: Box;
}

async function carryOut(line: string, step: Step): Promise<Image> {
  const [, word = "", rest = ""] = /^(\w+)\s+([\s\S]*)$/u.exec(line.trim()) ?? [];
  const { image } = step;
  switch (word.toUpperCase()) {
    case "RUN":
      await runCommand(["/bin/sh", "-c", rest], line, step);
      return image;
    case "ENV":
      return { ...image, environment: { ...image.environment, ...variablesOf(rest) } };
    case "WORKDIR":
      await runCommand(["/bin/mkdir", "-p", rest], line, step);
      return { ...image, workdir: rest };
    default:
      throw new Error(`The double's builder does not know this line: ${line}`);
  }
}

/** `NAME=value NAME="with blanks"`, or `NAME the rest`. */
function variablesOf(text: string): Variables {
  if (!/^\w+=/u.test(text)) {
    const [, name = "", value = ""] = /^(\w+)\s+([\s\S]*)$/u.exec(text) ?? [];
    return { [name]: value };
  }
  const pairs = text.matchAll(/(\w+)=("(?:[^"\\]|\\.)*"|\S*)/gu);
  return Object.fromEntries([...pairs].map(([, name = "", value = ""]) => [name, value.replace(/^"|"$/gu, "")]));
}

async function runCommand(command: readonly string[], line: string, { image, plan, box }: Step): Promise<void> {
  const environment = { PATH, HOME: "/root", ...image.environment, ...plan.secrets };
  const program = await box.start({ command, cwd: image.workdir, environment });
  program.closeStdin();
  await Promise.all([keep(program.stdout, plan), keep(program.stderr, plan)]);
  const exit = await program.exited;
  if (exit.code !== 0) throw new Error(failure(line, exit));
}

function failure(line: string, { code, signal = 0 }: Exit): string {
  return `failed to run builder command "${line}": container exit status: ${code ?? 128 + signal}`;
}

async function keep(output: Output, { log }: BuildPlan): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of all(output)) log(decoder.decode(bytes, { stream: true }));
}

function all(output: Output): AsyncIterable<Buffer> {
  return output.read(0, new AbortController().signal);
}

/** Which of the offered packages the stand-in for `npm` put where. */
async function installed(box: Box, { packages }: BuildOptions): Promise<readonly Bind[]> {
  const command = ["/bin/sh", "-c", `test ! -e ${NOTES_INSIDE} || { cat ${NOTES_INSIDE}; rm ${NOTES_INSIDE}; }`];
  const text = await textOf(await box.start({ command, cwd: "/", environment: { PATH } }));
  if (text === "") return [];
  return notesSchema.parse(JSON.parse(text)).flatMap(({ name, to }) => {
    const from = packages[name];
    return from === undefined ? [] : [{ from, to }];
  });
}

async function textOf(program: BoxProgram): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const bytes of all(program.stdout)) pieces.push(bytes);
  return Buffer.concat(pieces).toString();
}
