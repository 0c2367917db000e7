import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { testSpec, WITHOUT_END } from "../testing/inside.ts";
import { unsafeProcessSandbox } from "./index.ts";

test("the sockets' folders are made where socketBase says, and go with their sandbox", async () => {
  const scratch = mkdtempSync(join(tmpdir(), "socket-base-"));
  const socketBase = mkdtempSync(join(tmpdir(), "base-"));
  const sandbox = await unsafeProcessSandbox({ dataDir: scratch, socketBase }).create(testSpec("base"), WITHOUT_END);
  expect(readdirSync(socketBase)).toHaveLength(1);
  await sandbox.terminate();
  expect(readdirSync(socketBase)).toEqual([]);
  rmSync(scratch, { recursive: true });
  rmSync(socketBase, { recursive: true });
});
