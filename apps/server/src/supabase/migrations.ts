import { copySupabaseMigrations } from "@hhopkins/agent-runtime/persistence/supabase";

/** Where the command of Supabase looks for them. */
export const MIGRATIONS_FOLDER = "supabase/migrations";

/** Copies the SQL files of a Supabase project into a folder. Resolves with the exit code. */
export async function supabaseMigrations(folder: string, schema?: string): Promise<number> {
  const copied = await copySupabaseMigrations(folder, schema === undefined ? {} : { schema });
  for (const { path, written } of copied) {
    process.stdout.write(`${written ? "written" : "there already"}: ${path}\n`);
  }
  process.stdout.write("Apply them with `npx supabase db push`, or in the project's SQL editor, in this order.\n");
  return 0;
}
