import { join } from "node:path";
import { expect, test } from "vitest";
import { runAs, whyNotAs } from "../testing/as-user.ts";
import type { Stranger } from "../testing/as-user.ts";

const PROGRAM = join(import.meta.dirname, "../testing/limited-by-hand.ts");
const LONG_MS = 120_000;

for (const stranger of ["ordinary user", "unprivileged container"] satisfies Stranger[]) {
  const whyNot = whyNotAs(stranger);
  test.skipIf(whyNot !== null)(
    `${stranger}, no control groups: every limit but that on processors holds${whyNot === null ? "" : ` (${whyNot})`}`,
    { timeout: LONG_MS },
    async () => {
      const seen = await runAs(stranger, PROGRAM);
      expect(seen).toEqual({
        uid: expect.any(Number),
        described: {
          has: [
            "memory: looked at, and prlimit for each process",
            "processes: prlimit",
            "open files and file size: prlimit",
            "disk: looked at",
          ],
          lacks: ["a limit on cpus"],
        },
        processes: expect.stringMatching(/[Cc]annot fork|Resource temporarily unavailable/),
        one: expect.stringMatching(/ended with (?!0\n)\d+\n$/),
        many: "out of memory: the sandbox has used up its 300 MiB of memory",
        disk: expect.stringMatching(/^out of disk: .* may have 4 MiB$/),
        neighbour: "from 1000\n8192\n",
      });
      expect((seen as { uid: number }).uid === 0).toBe(stranger === "unprivileged container");
    },
  );
}
