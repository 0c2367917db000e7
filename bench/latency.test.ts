import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const program = fileURLToPath(new URL("./latency.ts", import.meta.url));
const few = ["--warm", "2", "--warm-up", "1", "--streamed", "1", "--cold", "1", "--create", "2"];

test("the benchmark measures both ways, and every step of them", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...few]);
  const row = /^ *(\S.*?) {2,}(\d+)(?: +-?\d+\.\d){4}$/gm;
  const counts = [...stdout.matchAll(row)].map(([, name, n]) => [name, Number(n)]);
  const steps = (n: number) => Array.from({ length: 6 }, () => [expect.any(String), n]);
  const ways = (n: number) => [
    ["runtime, at a WebSocket client", n],
    ["Claude Agent SDK driven directly", n],
    ["overhead of the runtime, by pairs", n],
  ];
  const expected = [...ways(2), ...steps(2), ...ways(1), ...ways(1), ...steps(1), ["POST /sessions/create", 2]];
  expect(counts).toEqual(expected);
  expect(stdout).not.toContain("NaN");
});
