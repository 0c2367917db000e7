import type { SandboxCase, SandboxCaseOutcome, SandboxScene, SandboxSubject } from "@hhopkins/agent-runtime-testkit";
import { openSandboxScene, runSandboxCase, sandboxContract } from "@hhopkins/agent-runtime-testkit";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, test } from "vitest";
import { recordResults } from "./provider-results.ts";
import type { ProviderRun } from "./provider-results.ts";

const DRIVER = fileURLToPath(new URL("contract-driver.ts", import.meta.url));
/** A user that owns nothing here. */
const ORDINARY = 54_321;

type RunCase = (name: string, run: SandboxCase) => Promise<SandboxCaseOutcome>;

/** The sandbox contract as tests in this process, and as the user that it has. `end` is called after the last. */
export function contractTests(run: ProviderRun, subject: SandboxSubject, end?: () => Promise<void>): void {
  let scene: SandboxScene | undefined;
  defineTests(run, {
    open: async () => {
      scene = await openSandboxScene(subject);
    },
    runCase: (_name, each) =>
      scene === undefined ? Promise.reject(new Error("no scene")) : runSandboxCase(each, scene),
    close: async () => {
      await scene?.end();
      await end?.();
    },
  });
}

/** The same for a provider of this host, in a process of an ordinary user. Needs root, to become that user. */
export function contractTestsAsOrdinaryUser(run: ProviderRun, how: DriverOptions = {}): void {
  if (process.getuid?.() !== 0) {
    test.skip(`${run.provider} as another ordinary user: the tests run as an ordinary user already`);
    return;
  }
  let driver: Driver | undefined;
  defineTests(run, {
    open: async () => {
      driver = startDriver(run.provider, how);
    },
    runCase: (name) => driver?.run(name) ?? Promise.reject(new Error("no driver")),
    close: async () => driver?.end(),
  });
}

function defineTests(
  run: ProviderRun,
  { open, runCase, close }: { open: () => Promise<void>; runCase: RunCase; close: () => Promise<void> },
): void {
  describe(`${run.provider}, ${run.user}`, () => {
    const results = recordResults("contract", run);
    beforeAll(open, 60_000);
    afterAll(close, 60_000);
    // Longer than the contract's own patience: it says what it waited for.
    test.for(Object.entries(sandboxContract))("%s", { timeout: 180_000 }, async ([name, each], { skip }) => {
      const outcome = await runCase(name, each);
      results.add(name, outcome);
      if (outcome.state === "skipped") skip(outcome.reason);
      if (outcome.state === "failed") throw outcome.error;
    });
  });
}

export interface DriverOptions {
  /** The program; the contract's by default. */
  readonly program?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** What the driver is told beside the provider. */
  readonly arguments?: readonly string[];
  /** Its group; one of nobody's by default. */
  readonly gid?: number;
}

/** A process that runs cases by their names. */
export interface Driver {
  run(name: string): Promise<SandboxCaseOutcome>;
  end(): Promise<void>;
}

export function startDriver(
  provider: string,
  { program = DRIVER, environment = {}, arguments: more = [], gid = ORDINARY }: DriverOptions,
): Driver {
  const child = spawn(process.execPath, [program, provider, ...more], {
    uid: ORDINARY,
    gid,
    cwd: "/tmp",
    env: { PATH: process.env["PATH"], HOME: "/tmp", ...environment },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async run(name) {
      child.stdin.write(`${name}\n`);
      const line = await lines.next();
      if (line.done === true) throw new Error("the driver has ended");
      const outcome = JSON.parse(line.value) as SandboxCaseOutcome & { error?: string };
      return outcome.state === "failed" ? { state: "failed", error: new Error(String(outcome.error)) } : outcome;
    },
    async end() {
      child.stdin.end();
      await exited;
    },
  };
}
