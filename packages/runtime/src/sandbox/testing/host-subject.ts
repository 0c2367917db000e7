import type { SandboxSubject } from "@hhopkins/agent-runtime-testkit";
import { createInProcess } from "@hhopkins/agent-runtime-testkit";
import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localSandbox } from "../local/index.ts";
import { unsafeProcessSandbox } from "../unsafe-process/index.ts";

/** Environment variable of the server that must not be seen inside. */
const CANARY = "CONTRACT_CANARY";

/** A provider of this host as the sandbox contract takes it, in a data directory of its own. */
export function hostSubject(name: "local" | "unsafe-process"): {
  subject: SandboxSubject;
  dataDir: string;
  end(): Promise<void>;
} {
  const dataDir = mkdtempSync(join(tmpdir(), "contract-data-"));
  const options = { dataDir, pollMs: 20 };
  const canary = `canary-${process.pid}-5e2c`;
  process.env[CANARY] = canary;
  const [make, file] = name === "local" ? [localSandbox, "local"] : [unsafeProcessSandbox, "unsafe-process"];
  const module = `import { ${make.name} } from ${JSON.stringify(join(import.meta.dirname, "..", file, "index.ts"))};
    const provider = ${make.name}(${JSON.stringify(options)});`;
  const subject: SandboxSubject = {
    canary,
    provider: () => make(options),
    createElsewhere: (spec) => createInProcess(module, spec),
    // Its first process, as the kernel would end it when memory is short.
    lose: async ({ ref }) => {
      const pid = Number(ref["pid"]);
      process.kill(name === "local" ? pid : -pid, "SIGKILL");
    },
    sleep: { because: "a process of this host does not sleep" },
    cutOff: { because: "there is no line to this host that could be cut" },
  };
  return {
    subject,
    dataDir,
    async end() {
      delete process.env[CANARY];
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** How a program names itself and its version. */
export function versionOf(program: string): string {
  return execFileSync(program, ["--version"], { encoding: "utf8" }).trim();
}
