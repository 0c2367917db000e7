import { z } from "zod";

const SAYS = "must be names with hosts, such as GITHUB=github.com,GITHUB=api.github.com,OTHER=*.example.com";
const host = z.string().min(1);

/** Hosts by the name of a secret: `GITHUB=github.com,GITHUB=api.github.com`, or an object with lists in the file. */
export const boundSecrets = z
  .union([z.string(), z.record(z.string(), z.array(host))], SAYS)
  .transform((value): unknown => (typeof value === "string" ? pairsOf(value) : Object.entries(value)))
  .pipe(z.array(z.tuple([z.string().min(1), z.array(host)]), SAYS))
  .transform((entries) => Object.fromEntries(entries));

function pairsOf(text: string): [string, string[]][] {
  const bound = new Map<string, string[]>();
  for (const one of text.split(",")) {
    const [name = "", value = ""] = one.split("=").map((part) => part.trim());
    bound.set(name, [...(bound.get(name) ?? []), value]);
  }
  return [...bound];
}
