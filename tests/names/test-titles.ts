import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestReference } from "./row.ts";

const root = join(import.meta.dirname, "../..");
const sources = new Map<string, string | null>();

function sourceOf(file: string): string | null {
  const known = sources.get(file);
  if (known !== undefined) return known;
  const path = join(root, file);
  const source = existsSync(path) ? readFileSync(path, "utf8") : null;
  sources.set(file, source);
  return source;
}

/** What is wrong with a reference to a test, or null: the file is there, the test is in it, and nothing skips it. */
export function problemOf({ file, name }: TestReference): string | null {
  const source = sourceOf(file);
  if (source === null) return `there is no file ${file}`;
  return problemIn(source, name, file);
}

/** As `problemOf`, in a source that is given. */
export function problemIn(source: string, name: string, file: string): string | null {
  const title = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  // A case of a contract is a property; its adapters' tests run all of them.
  if (new RegExp(`^ {2}"${title}": async \\(`, "m").test(source)) return null;
  const called = new RegExp(
    `\\b(?:test|it)((?:\\.\\w+)*)(?:\\((?:(?!\\b(?:test|it)[.(])[\\s\\S])*?\\))?\\(\\s*(["'\`])${title}\\2\\s*,`,
  ).exec(source);
  const named = name === "${name}" ? /\b(?:test|it)()\(name,/.exec(source) : null;
  const found = called ?? named;
  if (found === null) return `there is no test "${name}" in ${file}`;
  const marks = [found[1] ?? "", ...(source.match(/\bdescribe(?:\.\w+)+/g) ?? [])].join("");
  return /\.(skip|todo|fails|skipIf|runIf)\b/.test(marks) ? `the test "${name}" in ${file} is skipped` : null;
}
