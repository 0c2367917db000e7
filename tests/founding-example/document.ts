import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
/** The founding document lies beside the repository where it was written, and nowhere else. */
const PATH = join(root, "../shared/reference/seed-backend-setup.md");

/** The founding document's text, or null where it is not there. */
export function foundingDocument(): string | null {
  return existsSync(PATH) ? readFileSync(PATH, "utf8") : null;
}

/** The first TypeScript block below a heading, byte for byte. */
export function typescriptBelow(document: string, heading: string): string {
  const section = document.split(`\n## ${heading}\n`)[1] ?? "";
  const block = /```typescript\n([\s\S]*?)```/.exec(section)?.[1];
  if (block === undefined) throw new Error(`no TypeScript below "${heading}"`);
  return block;
}
