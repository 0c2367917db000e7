/** Texts of any length: the first part stands where the text belongs, further ones in documents of their own. */
import type { Reader, Writer } from "./access.ts";
import type { Id } from "./documents.ts";

type LogId = Id<"agentRuntimeLogs">;

/** Whose text it is. */
export interface TextOwner {
  readonly log: LogId;
  /** Of its kind and place, such as `block:b1`. */
  readonly name: string;
}

/** The fields of a document that has a text. */
export function firstPart(parts: readonly string[]): { text: string; more: number } {
  return { text: parts[0] ?? "", more: Math.max(0, parts.length - 1) };
}

/** Keeps the parts from the second on. */
export async function putRest(ctx: Writer, owner: TextOwner, parts: readonly string[]): Promise<void> {
  for (let part = 1; part < parts.length; part += 1) {
    await ctx.db.insert("agentRuntimeTexts", { log: owner.log, owner: owner.name, part, text: parts[part] ?? "" });
  }
}

/** All parts of a text in order. */
export async function readParts(
  ctx: Reader,
  owner: TextOwner,
  { text, more }: { text: string; more: number },
): Promise<string[]> {
  const parts = [text];
  if (more === 0) return parts;
  const rest = ctx.db
    .query("agentRuntimeTexts")
    .withIndex("by_log", (q) => q.eq("log", owner.log).eq("owner", owner.name).gt("part", 0));
  for await (const part of rest) parts.push(part.text);
  return parts;
}

/** Removes every part that is kept under this name. */
export async function dropParts(ctx: Writer, log: LogId, owner: string): Promise<void> {
  const parts = await ctx.db
    .query("agentRuntimeTexts")
    .withIndex("by_log", (q) => q.eq("log", log).eq("owner", owner))
    .collect();
  for (const { _id } of parts) await ctx.db.delete("agentRuntimeTexts", _id);
}
