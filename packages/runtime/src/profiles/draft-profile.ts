import { AgentProfile } from "@hhopkins/agent-runtime-protocol";
import type { z } from "zod";
import { invalidProfile, type FolderFiles } from "./folder-files.ts";

/** What stands in a profile's lists and comes from files of their own. */
export type ListField = "skills" | "subagents" | "commands" | "bundledMCPs" | "externalMCPs" | "defaultWorkspaceFiles";

/** A profile that is being put together, with the file that each part of it comes from. */
export class DraftProfile {
  readonly files: FolderFiles;
  /** What is there and has no effect, each a sentence that names its file. */
  readonly notices: string[] = [];
  readonly #fields: Record<string, unknown>;
  /** By the path of a field, such as `skills.2`. */
  readonly #places = new Map<string, string>();
  readonly #mainPlace: string;

  /** `mainFile`: where what has no other file stands, or would. */
  constructor(files: FolderFiles, fields: Readonly<Record<string, unknown>>, mainFile: string) {
    this.files = files;
    this.#fields = { ...fields };
    this.#mainPlace = files.place(mainFile);
  }

  /** A field that one file is all of. Throws `invalid_profile` where the main file has it too. */
  set(field: keyof AgentProfile, value: unknown, file: string): void {
    const place = this.files.place(file);
    if (this.#fields[field] !== undefined) {
      throw invalidProfile(`${this.#mainPlace}: ${field}`, `stands in ${place} too. Leave one of the two away.`);
    }
    this.#fields[field] = value;
    this.#places.set(field, place);
  }

  add(field: ListField, item: unknown, file: string): void {
    const before = this.#fields[field] ?? [];
    if (!Array.isArray(before)) throw invalidProfile(`${this.#mainPlace}: ${field}`, "must be a list.");
    this.#places.set(`${field}.${before.length}`, this.files.place(file));
    this.#fields[field] = [...(before as unknown[]), item];
  }

  notice(file: string, problem: string): void {
    this.notices.push(`${this.files.place(file)}: ${problem}`);
  }

  /** Throws `invalid_profile` that names file and field of the first problem, with all of them in its message. */
  checked(): AgentProfile {
    const result = AgentProfile.safeParse(this.#fields);
    if (result.success) return result.data;
    const problems = result.error.issues.flatMap((issue) => this.#problems(issue, []));
    const [first] = problems;
    const where = first?.where ?? this.#mainPlace;
    const rest = problems.slice(1).map(({ where: at, message }) => `; ${at}: ${message}`);
    throw invalidProfile(where, `${first?.message ?? "is not valid"}${rest.join("")}`, result.error);
  }

  #problems(issue: z.core.$ZodIssue, above: PropertyKey[]): { where: string; message: string }[] {
    const path = [...above, ...issue.path];
    if (issue.code === "invalid_union") {
      // Of several forms the one that it misses least is meant.
      const meant = issue.errors.toSorted((a, b) => a.length - b.length)[0] ?? [];
      if (meant.length > 0) return meant.flatMap((inner) => this.#problems(inner, path));
    }
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({ where: this.#whereOf([...path, key]), message: "unknown field. Remove it." }));
    }
    return [{ where: this.#whereOf(path), message: issue.message }];
  }

  #whereOf(path: readonly PropertyKey[]): string {
    const names = path.map(String);
    for (let length = names.length; length > 0; length -= 1) {
      const place = this.#places.get(names.slice(0, length).join("."));
      if (place === undefined) continue;
      const rest = names.slice(length).join(".");
      return rest === "" ? place : `${place}: ${rest}`;
    }
    return `${this.#mainPlace}: ${names.join(".")}`;
  }
}
