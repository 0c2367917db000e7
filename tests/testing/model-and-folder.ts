import { startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { endSandboxes } from "./server-process.ts";

/** For each test of a file a model and a folder of its own, for servers that it starts; both are set when the test begins. */
export function modelAndFolder(): { readonly model: ScriptedModel; readonly folder: string } {
  let current: { model: ScriptedModel; folder: string } | undefined;
  const now = (): NonNullable<typeof current> => {
    if (current === undefined) throw new Error("No test runs.");
    return current;
  };
  beforeEach(async () => {
    const [folder, model] = await Promise.all([mkdtemp(join(tmpdir(), "agent-runtime-test-")), startScriptedModel()]);
    current = { model, folder };
  });
  afterEach(async () => {
    const { model, folder } = now();
    await endSandboxes(folder);
    await model.close();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    get model() {
      return now().model;
    },
    get folder() {
      return now().folder;
    },
  };
}
