import { isolationProbes, openIsolationScene, tryIsolation } from "@hhopkins/agent-runtime-testkit";
import type { IsolationScene, IsolationSubject } from "@hhopkins/agent-runtime-testkit";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, test } from "vitest";
import { startDriver } from "./contract-tests.ts";
import type { Driver, DriverOptions } from "./contract-tests.ts";
import { recordResults } from "./provider-results.ts";
import type { ProviderRun } from "./provider-results.ts";

const DRIVER = fileURLToPath(new URL("isolation-driver.ts", import.meta.url));

type Outcome = Awaited<ReturnType<typeof tryIsolation>>;

/** The isolation suite as tests in this process, and as the user that it has. `end` is called after the last. */
export function isolationTests(run: ProviderRun, subject: IsolationSubject, end: () => Promise<void>): void {
  let scene: IsolationScene | undefined;
  defineTests(run, {
    open: async () => {
      scene = await openIsolationScene(subject);
    },
    runProbe: (name) => (scene === undefined ? Promise.reject(new Error("no scene")) : tryIsolation(name, scene)),
    close: async () => {
      await scene?.end();
      await end();
    },
  });
}

/** The same for a provider of this host, in a process of an ordinary user, after a run as root. Needs root, to become that user. */
export function isolationTestsAsOrdinaryUser(run: ProviderRun, how: DriverOptions = {}): void {
  if (process.getuid?.() !== 0) {
    test.skip(`${run.provider} as another ordinary user: the tests run as an ordinary user already`);
    return;
  }
  let driver: Driver | undefined;
  defineTests(run, {
    open: async () => {
      driver = startDriver(run.provider, { ...how, program: DRIVER, environment: { PROVEN_AS_ROOT: "yes" } });
    },
    runProbe: async (name) => {
      if (driver === undefined) throw new Error("no driver");
      const outcome = await driver.run(name);
      return outcome.state === "passed" ? { ...outcome, saw: "" } : outcome;
    },
    close: async () => driver?.end(),
  });
}

function defineTests(
  run: ProviderRun,
  of: { open: () => Promise<void>; runProbe: (name: string) => Promise<Outcome>; close: () => Promise<void> },
): void {
  describe(`attacks inside ${run.provider}, ${run.user}`, () => {
    const results = recordResults("isolation", run);
    beforeAll(of.open, 60_000);
    afterAll(of.close, 60_000);
    test.for(Object.keys(isolationProbes))("%s", { timeout: 180_000 }, async (name, { skip }) => {
      const outcome = await of.runProbe(name);
      results.add(name, outcome);
      if (outcome.state === "skipped") skip(outcome.reason);
      if (outcome.state === "failed") throw outcome.error;
    });
  });
}
