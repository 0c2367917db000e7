import { parse } from "yaml";
import { invalidProfile } from "./folder-files.ts";

export interface MarkdownFile {
  /** Its fields; empty where it has no front matter. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly body: string;
}

const FRONT_MATTER = /^---[ \t]*\r?\n([\s\S]*?)(?:^|\r?\n)---[ \t]*(?:\r?\n|$)/;

/** Markdown with YAML between lines of `---` at its top. Throws `invalid_profile` that names `place` and the line. */
export function readMarkdown(text: string, place: string): MarkdownFile {
  const found = FRONT_MATTER.exec(text);
  if (found === null) {
    if (!/^---[ \t]*\r?\n/.test(text)) return { fields: {}, body: text };
    throw invalidProfile(place, "the front matter has no end. Put a line of --- below it.");
  }
  return { fields: fieldsOf(found[1] ?? "", place), body: text.slice(found[0].length).replace(/^(\r?\n)+/, "") };
}

function fieldsOf(yaml: string, place: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parse(yaml, { maxAliasCount: 0, logLevel: "error" });
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    throw invalidProfile(place, `the front matter is no YAML: ${reason} Put texts with a colon into quotes.`, error);
  }
  if (value === null || value === undefined) return {};
  if (typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  throw invalidProfile(place, "the front matter must be fields, such as `name: value`.");
}

/** `"Read, Bash(git *)"` or a list of names, as files of the ecosystem have it. What is neither is left for the schema. */
export function nameList(value: unknown): unknown {
  if (typeof value !== "string") return value;
  // Commas inside of brackets belong to a pattern.
  const names = value.match(/(?:[^,(]|\([^)]*\))+/g) ?? [];
  return names.map((name) => name.trim()).filter((name) => name !== "");
}
