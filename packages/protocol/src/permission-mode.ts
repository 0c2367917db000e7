import { z } from "zod";

/** What happens to calls of tools that no rule decides. */
export const PermissionMode = z.enum(["bypassPermissions", "dontAsk", "default", "acceptEdits", "plan"]);
export type PermissionMode = z.infer<typeof PermissionMode>;
