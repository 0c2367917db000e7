import type { SandboxProvider, SandboxSpec } from "@hhopkins/agent-runtime";

/** A place without sandboxes: keeps what it was asked for, and does with a request what the test says. */
export function emptyProvider(
  create: SandboxProvider["create"],
): SandboxProvider & { readonly specs: SandboxSpec[]; readonly listed: string[] } {
  const specs: SandboxSpec[] = [];
  const listed: string[] = [];
  return {
    name: "empty",
    specs,
    listed,
    create: (spec, options) => {
      specs.push(spec);
      return create(spec, options);
    },
    attach: async () => null,
    list: async ({ deployment }) => {
      listed.push(deployment);
      return [];
    },
  };
}
