import { z } from "zod";

const UNITS: Readonly<Record<string, number>> = { "": 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** `512`, `300MiB`, `1.5GiB`, as bytes. */
const size = z
  .string()
  .regex(/^\d+(\.\d+)?(KiB|MiB|GiB)?$/, "must be a number of bytes, or with KiB, MiB or GiB")
  .transform((text) => {
    const [, number = "", unit = ""] = /^([\d.]+)(.*)$/.exec(text) ?? [];
    return Math.floor(Number(number) * (UNITS[unit] ?? 1));
  })
  .pipe(z.number().min(1));
const count = z.coerce.number("must be a number").int("must be a whole number").min(1);

/** Names as they are written, and as the providers' options have them. */
const Limits = z
  .strictObject({
    memory: size.optional(),
    cpus: z.coerce.number("must be a number").positive("must be more than 0").optional(),
    processes: count.optional(),
    "open-files": count.optional(),
    "file-size": size.optional(),
    disk: size.optional(),
  })
  .transform((given) => {
    const limits = {
      memoryBytes: given.memory,
      cpus: given.cpus,
      processes: given.processes,
      openFiles: given["open-files"],
      fileBytes: given["file-size"],
      diskBytes: given.disk,
    };
    return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined)) as {
      [N in keyof typeof limits]?: number;
    };
  });

/** `memory=2GiB,cpus=1.5,processes=256`, or the same as an object. */
export const sandboxLimits = z
  .union([z.string(), z.record(z.string(), z.union([z.string(), z.number()]))])
  .transform((given, context) => {
    const pairs = typeof given === "string" ? given.split(",").map(pair) : Object.entries(given);
    const parsed = Limits.safeParse(Object.fromEntries(pairs.map(([name, value]) => [name, String(value)])));
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    const where = issue?.path.join(".") ?? "";
    context.addIssue(
      issue?.code === "unrecognized_keys"
        ? "can have memory, cpus, processes, open-files, file-size and disk, as memory=2GiB,cpus=1.5"
        : `${where} ${issue?.message ?? "is not valid"}`,
    );
    return z.NEVER;
  });

function pair(text: string): readonly [string, string] {
  const [name = "", ...value] = text.trim().split("=");
  return [name, value.join("=")];
}
