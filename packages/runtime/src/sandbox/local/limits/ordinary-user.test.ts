import { join } from "node:path";
import { expect, test } from "vitest";
import { runAsUser, whyNotAsUser } from "../testing/as-user.ts";

const whyNot = whyNotAsUser();

test.skipIf(whyNot !== null)(
  `an ordinary user without control groups: every limit but that on processors holds${whyNot === null ? "" : ` (${whyNot})`}`,
  async () => {
    const seen = await runAsUser(join(import.meta.dirname, "../testing/limited-by-hand.ts"));
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
    expect((seen as { uid: number }).uid).not.toBe(0);
  },
);
