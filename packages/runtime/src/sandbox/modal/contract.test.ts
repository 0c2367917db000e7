import { createInProcess } from "@hhopkins/agent-runtime-testkit";
import type { SandboxSubject } from "@hhopkins/agent-runtime-testkit";
import { join } from "node:path";
import { contractTests } from "../testing/contract-tests.ts";
import { currentUser } from "../testing/provider-results.ts";
import { onDouble } from "./testing/on-double.ts";

const CANARY = "CONTRACT_CANARY";
const canary = `canary-${process.pid}-91d4`;
process.env[CANARY] = canary;

const on = await onDouble();
const { tokenId, tokenSecret, control } = on.double;
const options = { tokenId, tokenSecret, appName: "test", pollMs: 100 };
const module = `import { modalSandbox } from ${JSON.stringify(join(import.meta.dirname, "index.ts"))};
  const provider = modalSandbox(${JSON.stringify(options)});`;

const subject: SandboxSubject = {
  canary,
  provider: () => on.provider(),
  createElsewhere: (spec) => createInProcess(module, spec),
  lose: ({ id }) => control.vanish(id),
  sleep: { because: "sandboxes on Modal do not sleep" },
  async cutOff(_sandbox, work) {
    await control.inject({ kind: "fail", method: "SandboxWaitV2", code: "UNAVAILABLE", times: 10_000 });
    await work().finally(() => control.clear());
  },
};

contractTests({ provider: "modal", user: currentUser(), version: "modal 0.11.1, the double" }, subject, async () => {
  await on.close();
  delete process.env[CANARY];
});
