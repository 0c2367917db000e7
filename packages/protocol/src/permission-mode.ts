import { z } from "zod";

/** What happens to calls of tools that no rule decides. */
export const PermissionMode = z.enum(["bypassPermissions", "dontAsk", "default", "acceptEdits", "plan"]);
export type PermissionMode = z.infer<typeof PermissionMode>;

const rules = z.array(z.string().min(1).max(1000)).max(1000);

/** What may be done without asking, what a person is asked, and what is refused. */
export const PermissionRules = z.strictObject({
  allow: rules.optional(),
  ask: rules.optional(),
  deny: rules.optional(),
});
export type PermissionRules = z.infer<typeof PermissionRules>;
