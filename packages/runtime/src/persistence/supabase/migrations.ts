import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";

/** Where the package has them: the same place seen from the source and from what is built. */
const FOLDER = fileURLToPath(new URL("../../../supabase/migrations/", import.meta.url));

/** A migration of ours in a user's folder. */
export interface CopiedMigration {
  /** Path of the file. */
  readonly path: string;
  /** false: it was there already, as it is. */
  readonly written: boolean;
}

/**
 * Copies the SQL files that make tables, policies and functions into a folder such as `supabase/migrations`, to be
 * applied in the order of their names. `schema`: an exposed one for the functions, instead of `public`. A file that is
 * there with other content is refused with `conflict`, and then nothing is written.
 */
export async function copySupabaseMigrations(
  folder: string,
  { schema = "public" }: { schema?: string } = {},
): Promise<CopiedMigration[]> {
  const files: { path: string; text: string; known: string | null }[] = [];
  for (const { name, text } of await supabaseMigrations(schema)) {
    const path = join(folder, name);
    const known = await readFile(path, "utf8").catch(() => null);
    if (known !== null && known !== text) {
      const message = `${path}: is there with other content: a migration that was applied never changes. Move it away to have ours.`;
      throw new RuntimeError("conflict", message);
    }
    files.push({ path, text, known });
  }
  await mkdir(folder, { recursive: true });
  for (const { path, text, known } of files) if (known === null) await writeFile(path, text);
  return files.map(({ path, known }) => ({ path, written: known === null }));
}

/** The SQL files in their order. */
export async function supabaseMigrations(schema = "public"): Promise<{ name: string; text: string }[]> {
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith(".sql")).toSorted();
  const inSchema = `"${schema.replaceAll('"', '""')}".agent_runtime_`;
  const texts = names.map(async (name) => {
    const text = await readFile(join(FOLDER, name), "utf8");
    return { name, text: schema === "public" ? text : text.replaceAll("public.agent_runtime_", inSchema) };
  });
  return await Promise.all(texts);
}
