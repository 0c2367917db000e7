import { BaseSequencer, type TestSpecification } from "vitest/node";

/** What takes longest, half a minute and more, longest first. */
const LONG = [
  "tests/crash/crash.test.ts",
  "tests/crash/failpoints.test.ts",
  "tests/cluster/any-node.test.ts",
  "tests/console/shell.test.ts",
  "packages/runtime/src/sandbox/modal/contract.test.ts",
  "tests/console/actions.test.ts",
  "tests/console/asks.test.ts",
  "tests/founding-example/founding-example.test.ts",
  "tests/session/message-restart.test.ts",
  "tests/clients/many-clients.test.ts",
  "packages/runtime/src/persistence/supabase/tenants.test.ts",
  "tests/session/sandbox-faults.test.ts",
  "tests/session/stuck.test.ts",
  "tests/console/screens.test.ts",
  "packages/runtime/src/sandbox/docker/contract.test.ts",
  "tests/crash/nodes/nodes.test.ts",
  "tests/asks/survival.test.ts",
  "packages/runtime/src/persistence/postgres/postgres.test.ts",
  "packages/runtime/src/sandbox/local/contract.test.ts",
];

/** Long files first, so that none of them runs alone at the end: in a fresh clone Vitest goes by the size of files, which says little. */
export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const at = LONG.findIndex((path) => moduleId.endsWith(`/${path}`));
      return at === -1 ? LONG.length : at;
    };
    return (await super.sort(files)).toSorted((left, right) => place(left) - place(right));
  }
}
