import { z } from "zod";

/** What an installing sandbox is to do: the first line that the server says to it. */
export const InstallRequest = z.object({
  /** Packages of the npm registry. */
  npm: z.array(z.string()),
  /** Packages of the Python index. */
  pip: z.array(z.string()),
  /** Projects whose files lie already in `projects/NAME` of the environment. */
  projects: z.array(z.object({ name: z.string(), installCommand: z.string() })),
  registries: z.object({ npm: z.string(), pip: z.string() }),
});
export type InstallRequest = z.infer<typeof InstallRequest>;

/** What it says, a line each. A package's script may say it too: it is a stranger's word. */
export const InstallReport = z.discriminatedUnion("type", [
  /** A step begins. */
  z.object({ type: z.literal("step"), label: z.string().max(500) }),
  /** Its tool's last line; not every one. */
  z.object({ type: z.literal("output"), line: z.string().max(500) }),
  z.object({ type: z.literal("failed"), message: z.string().max(10_000) }),
  z.object({ type: z.literal("done") }),
]);
export type InstallReport = z.infer<typeof InstallReport>;
