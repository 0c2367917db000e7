import { z } from "zod";

/** What happens to calls of tools that no rule decides. */
export const PermissionMode = z.enum(["bypassPermissions", "dontAsk", "default", "acceptEdits", "plan"]);
export type PermissionMode = z.infer<typeof PermissionMode>;

/** A harness leaves out what it cannot read, and would do unasked what was meant by it. */
const Rule = z
  .string()
  .max(1000)
  .regex(/^[A-Za-z][\w*-]*(\([\s\S]+\))?$/, "must be a tool's name, or Tool(pattern)");

const rules = z.array(Rule).max(1000);

/** What may be done without asking, what a person is asked, and what is refused. */
export const PermissionRules = z.strictObject({
  allow: rules.optional(),
  ask: rules.optional(),
  deny: rules.optional(),
});
export type PermissionRules = z.infer<typeof PermissionRules>;
