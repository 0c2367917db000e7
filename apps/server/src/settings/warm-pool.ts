import { z } from "zod";

const size = z.coerce.number().int().min(0);
const SAYS = "must be profiles with numbers, such as default=2,other=1";

/** How many sandboxes are kept ready, by the id of a profile: `default=2,other=1`, or an object in the file. */
export const warmPool = z
  .union([z.string(), z.record(z.string(), z.number())], SAYS)
  .transform((value): unknown => (typeof value === "string" ? entriesOf(value) : Object.entries(value)))
  .pipe(z.array(z.tuple([z.string().min(1), size]), SAYS))
  .transform((entries) => Object.fromEntries(entries));

function entriesOf(text: string): [string, string][] {
  return text.split(",").map((one) => {
    const at = one.lastIndexOf("=");
    return [one.slice(0, Math.max(0, at)).trim(), at < 0 ? "" : one.slice(at + 1).trim() || "none"];
  });
}
