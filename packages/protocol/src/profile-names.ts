import { z } from "zod";
import { HOST_TOOL_SERVER } from "./host-tools.ts";

/** Name of a skill: its folder's name, and what the model calls it by. */
export const SkillName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, "must be 1–64 of A-Z a-z 0-9 _ -, beginning with a letter or a digit");

/** Name of a command, without its slash. A colon stands between a folder's name and the command's. */
export const CommandName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$/,
    "must be 1–100 of A-Z a-z 0-9 . _ : -, without a slash, beginning with a letter or a digit",
  );

/** Name of an MCP server: also the name of its folder inside. */
export const McpName = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/, "must be 1–100 of A-Z a-z 0-9 . _ -, without a leading . or -")
  .refine((name) => name !== HOST_TOOL_SERVER, "is the name of the application's own tools: take another");

/** A list of which no two items have one name. */
export function namedList<T extends z.ZodType<{ name: string }>>(item: T, what: string): z.ZodArray<T> {
  return z.array(item).superRefine((items, context) => {
    for (const [index, { name }] of items.entries()) {
      if (items.findIndex((other) => other.name === name) === index) continue;
      context.addIssue({ code: "custom", path: [index, "name"], message: `is a second ${what} of the name ${name}` });
    }
  });
}

/** What the model calls a server's tools by: two names may differ and lead there to one. */
export function mcpToolPrefix(server: string): string {
  return `mcp__${server.replaceAll(/[^A-Za-z0-9_-]/g, "_")}__`;
}

interface McpServers {
  readonly bundledMCPs?: readonly { readonly name: string }[] | undefined;
  readonly externalMCPs?: readonly { readonly name: string }[] | undefined;
}

/** Bundled and external MCP servers share one space of names. */
export function distinctMcpServers(profile: McpServers, context: z.core.$RefinementCtx): void {
  const bundled = new Map((profile.bundledMCPs ?? []).map(({ name }) => [mcpToolPrefix(name), name]));
  for (const [index, { name }] of (profile.externalMCPs ?? []).entries()) {
    const other = bundled.get(mcpToolPrefix(name));
    if (other === undefined) continue;
    const message = `is a second MCP server of the name ${name}: bundledMCPs has ${other}`;
    context.addIssue({ code: "custom", path: ["externalMCPs", index, "name"], message });
  }
}

/** A profile goes to its sandbox as one line of the runner's wire (4 MiB), and skills are what makes it large. */
const SKILLS_BYTES = 3 * 1024 * 1024;

export function fitsTheWire(skills: unknown, context: z.core.$RefinementCtx): void {
  const bytes = utf8Bytes(JSON.stringify(skills));
  if (bytes <= SKILLS_BYTES) return;
  const message = `have ${bytes} bytes with their supporting files, and at most ${SKILLS_BYTES} are taken: leave large files out, or put them into defaultWorkspaceFiles`;
  context.addIssue({ code: "custom", message });
}

/** Without `TextEncoder`, which not every environment has types for. */
function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    // A half of a pair is two bytes of the four.
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}
