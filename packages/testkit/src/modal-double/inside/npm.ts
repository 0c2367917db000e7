/**
 * `npm` while the double builds an image. `npm install [--prefix DIR] [-g] NAME@VERSION …` of packages that the double was
 * given from this machine notes where their folders are to be bound, with those of their dependencies that it was given
 * too; their versions must be the ones asked for. Everything else goes to the machine's own npm.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const PACKAGES = "/__modal/packages";
const NOTES = "/__modal/installed.json";

interface Manifest {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

function manifestOf(name: string): Manifest | null {
  const path = join(PACKAGES, name, "package.json");
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Manifest) : null;
}

function splitSpec(spec: string): { name: string; version: string } {
  const at = spec.lastIndexOf("@");
  return at > 0 ? { name: spec.slice(0, at), version: spec.slice(at + 1) } : { name: spec, version: "latest" };
}

/** The package and everything that it asks for, as far as the double was given it. */
function withDependencies(name: string, found: Set<string> = new Set()): Set<string> {
  const manifest = manifestOf(name);
  if (manifest === null || found.has(name)) return found;
  found.add(name);
  const wanted = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.peerDependencies };
  for (const other of Object.keys(wanted)) withDependencies(other, found);
  return found;
}

function targetOf(words: readonly string[]): string {
  const at = words.findIndex((word) => word === "--prefix" || word === "-C");
  const prefix = at === -1 ? words.find((word) => word.startsWith("--prefix="))?.slice(9) : words[at + 1];
  const global = words.includes("-g") || words.includes("--global");
  if (global) return join(resolve(prefix ?? "/usr/local"), "lib/node_modules");
  return join(resolve(prefix ?? "."), "node_modules");
}

function fail(message: string): never {
  process.stderr.write(`npm error ${message}\n`);
  process.exit(1);
}

/** Throws nothing: says what is wrong and ends. */
function note(specs: readonly string[], target: string): void {
  const notes = existsSync(NOTES) ? (JSON.parse(readFileSync(NOTES, "utf8")) as { name: string; to: string }[]) : [];
  for (const spec of specs) {
    const { name, version } = splitSpec(spec);
    const there = manifestOf(name)?.version;
    if (version !== "latest" && version !== there) {
      fail(
        `code ETARGET\nnpm error notarget No matching version found for ${spec}; this double has ${there ?? "none"}.`,
      );
    }
    for (const each of withDependencies(name)) {
      const to = join(target, each);
      mkdirSync(to, { recursive: true });
      if (!notes.some((known) => known.to === to)) notes.push({ name: each, to });
    }
  }
  writeFileSync(NOTES, JSON.stringify(notes));
  process.stdout.write(`added ${specs.length} packages of this machine\n`);
}

function passOn(words: readonly string[]): void {
  const { status, error } = spawnSync("/usr/bin/npm", words, { stdio: "inherit" });
  if (error !== undefined) fail(`This machine has no npm: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

const words = process.argv.slice(2);
const installs = ["install", "i", "add"].includes(words[0] ?? "");
const given = installs ? words.slice(1).filter((word) => manifestOf(splitSpec(word).name) !== null) : [];
const rest = words.filter((word) => !given.includes(word));
const asksForMore = rest
  .slice(1)
  .some((word, at) => !word.startsWith("-") && !["--prefix", "-C"].includes(rest[at] ?? ""));
// The machine's npm first: it takes away what it does not know.
if (given.length === 0 || asksForMore) passOn(rest);
if (given.length > 0) note(given, targetOf(words));
