import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const PROGRAM = fileURLToPath(new URL("testing/network-stand-ins.ts", import.meta.url));

test("a metadata service and a name server that the server reaches are not there inside", async ({ skip }) => {
  if (process.getuid?.() !== 0)
    return skip("only root can put up services in a network namespace and start sandboxes there");
  const { stdout } = await promisify(execFile)("unshare", ["--net", process.execPath, "--no-warnings", PROGRAM]);
  expect(JSON.parse(stdout)).toEqual({ beside: ["metadata", "an answer"], inside: ["OSError 101", "OSError 101"] });
});
