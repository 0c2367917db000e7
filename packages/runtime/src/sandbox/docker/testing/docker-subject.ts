import type { SandboxSubject } from "@hhopkins/agent-runtime-testkit";
import { createInProcess } from "@hhopkins/agent-runtime-testkit";
import Docker from "dockerode";
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dockerSandbox } from "../index.ts";
import { cuttableEngine } from "./cuttable-engine.ts";
import type { TestEngine } from "./test-engine.ts";

/** Environment variable of the server that must not be seen inside. */
const CANARY = "CONTRACT_CANARY";

/** The docker provider as the sandbox contract takes it, on the tests' engine, through a line that can be cut. */
export async function dockerSubject({
  host,
  image,
}: Pick<TestEngine, "host" | "image">): Promise<{ subject: SandboxSubject; dataDir: string; end(): Promise<void> }> {
  const dataDir = mkdtempSync(join(tmpdir(), "contract-data-"));
  const canary = `canary-${process.pid}-77b0`;
  process.env[CANARY] = canary;
  const options = { dataDir, image, pull: "never" as const };
  const line = await cuttableEngine(host, join(dataDir, "engine.sock"));
  const docker = new Docker({ socketPath: host.slice("unix://".length) });
  const module = `import { dockerSandbox } from ${JSON.stringify(join(import.meta.dirname, "../index.ts"))};
    const provider = dockerSandbox(${JSON.stringify({ ...options, host })});`;
  const subject: SandboxSubject = {
    canary,
    provider: () => dockerSandbox({ ...options, host: line.host }),
    createElsewhere: (spec) => createInProcess(module, spec),
    lose: async ({ ref }) => docker.getContainer(String(ref["container"])).kill(),
    sleep: { because: "a container does not sleep; one that a person pauses is unreachable" },
    async cutOff(_sandbox, work) {
      line.cut();
      try {
        await work();
      } finally {
        await line.mend();
      }
    },
  };
  return {
    subject,
    dataDir,
    async end() {
      delete process.env[CANARY];
      await line[Symbol.asyncDispose]();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
