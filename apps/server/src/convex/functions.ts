import { relative } from "node:path";
import { copyConvexFunctions } from "@hhopkins/agent-runtime/persistence/convex";

/** Where a Convex project has them, from its root. */
export const FUNCTIONS_FOLDER = "convex/agentRuntime";

const NEXT = `
Next:
  1. In convex/schema.ts: import { agentRuntimeTables } from "./agentRuntime/schema";
     export default defineSchema({ ...agentRuntimeTables, /* your own tables */ });
  2. npx convex env set AGENT_RUNTIME_SECRET "$(openssl rand -hex 32)"   # the adapter's option \`secret\`
  3. npx convex deploy                                                  # or npx convex dev
`;

/** Copies the functions of the Convex adapter and says what comes next; resolves with the exit code. */
export async function convexFunctions(folder: string, force: boolean): Promise<number> {
  const copied = copyConvexFunctions({ folder, force });
  const shown = relative(process.cwd(), copied.folder) || ".";
  for (const name of copied.written) process.stdout.write(`written: ${shown}/${name}\n`);
  if (copied.unchanged.length > 0) process.stdout.write(`there already: ${copied.unchanged.length} files\n`);
  process.stdout.write(NEXT);
  return 0;
}
