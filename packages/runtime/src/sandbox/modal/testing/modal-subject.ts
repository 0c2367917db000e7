import { createInProcess } from "@hhopkins/agent-runtime-testkit";
import type { SandboxSubject } from "@hhopkins/agent-runtime-testkit";
import { join } from "node:path";
import { onDouble } from "./on-double.ts";

/** Environment variable of the server that must not be seen inside. */
const CANARY = "CONTRACT_CANARY";

/** The provider for Modal as the sandbox contract takes it, on a double of its own. */
export async function modalSubject(): Promise<{ subject: SandboxSubject; end(): Promise<void> }> {
  const canary = `canary-${process.pid}-91d4`;
  process.env[CANARY] = canary;
  const on = await onDouble();
  const { tokenId, tokenSecret, control } = on.double;
  const options = { tokenId, tokenSecret, appName: "test", pollMs: 100 };
  const module = `import { modalSandbox } from ${JSON.stringify(join(import.meta.dirname, "../index.ts"))};
    const provider = modalSandbox(${JSON.stringify(options)});`;
  const subject: SandboxSubject = {
    canary,
    provider: () => on.provider(),
    createElsewhere: (spec) => createInProcess(module, spec),
    lose: ({ id }) => control.vanish(id),
    sleep: { because: "sandboxes on Modal do not sleep" },
    async cutOff(_sandbox, work) {
      await control.inject({ kind: "fail", method: "SandboxWaitV2", code: "UNAVAILABLE", times: 10_000 });
      try {
        await work();
      } finally {
        await control.clear();
      }
    },
  };
  return {
    subject,
    async end() {
      await on.close();
      delete process.env[CANARY];
    },
  };
}
