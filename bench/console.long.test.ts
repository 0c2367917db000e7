import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const program = fileURLToPath(new URL("./console.ts", import.meta.url));
const few = ["--deltas", "1000", "--rate", "500", "--frames", "100", "--blocks", "1000", "--opens", "1"];

test("the benchmark measures everything; what does not depend on the machine's other work keeps to its aims", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...few, "--switches", "40"]);
  const rows = Array.from(
    stdout.matchAll(/^(.+?) {2,}(.+?) {2,}(.+?) {2,}(met|MISSED)$/gm),
    ([, name, , , verdict]) => ({
      name,
      verdict,
    }),
  );
  expect(rows).toHaveLength(14);
  expect(stdout).not.toContain("NaN");
  const steady = rows.filter(({ name }) => /gzipped|own time|next picture|nodes/.test(name ?? ""));
  expect(steady).toHaveLength(7);
  expect(steady.filter(({ verdict }) => verdict !== "met")).toEqual([]);
});
