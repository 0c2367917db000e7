import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const program = fileURLToPath(new URL("./stores.ts", import.meta.url));
const few = ["--sessions", "5000", "--events", "1100", "--blocks", "100", "--files", "10", "--calls", "5"];

test("the benchmark measures every store beside the bare driver", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...few]);
  const rows = [...stdout.matchAll(/^ {2}(\S.*?) {2,}(\d+)(?: +\d+\.\d{3}){3}(?: +\d+)? +\d+\.\d\d$/gm)];
  const names = [
    "append, 1 a batch",
    "append, 10 a batch",
    "append, 100 a batch",
    "append, 20 sessions × 5",
    "tail of 1000",
    "list page, the first",
    "list page, in the middle",
    "list page, by creation, in the middle",
    "list page, one profile's",
    "list page, one type's, by creation",
    "list page, those loaded",
    "open a session of 100 blocks",
    "save one changed file of 10",
  ];
  expect(rows.map(([, name]) => name)).toEqual([...names, ...names, ...names]);
  expect(stdout).not.toContain("NaN");
  for (const version of ["SQLite 3.", "PostgreSQL", "MariaDB"]) expect(stdout).toContain(version);
});
