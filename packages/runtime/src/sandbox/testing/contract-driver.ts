// Runs cases of the sandbox contract in a process of its own, of whatever user it is started as:
// `node contract-driver.ts PROVIDER`, for docker with the engine and the image. Reads names of cases, a line each; writes
// how each came out, a line of JSON each.
import { openSandboxScene, runSandboxCase, sandboxContract } from "@hhopkins/agent-runtime-testkit";
import type { SandboxSubject } from "@hhopkins/agent-runtime-testkit";
import { createInterface } from "node:readline";
import { dockerSubject } from "../docker/testing/docker-subject.ts";
import { modalSubject } from "../modal/testing/modal-subject.ts";
import { hostSubject } from "./host-subject.ts";

const [provider, host = "", image = ""] = process.argv.slice(2);
// Whoever asked has given up.
process.stdout.on("error", () => process.exit(1));
const { subject, end } = await subjectOf();
const scene = await openSandboxScene(subject);
for await (const name of createInterface({ input: process.stdin })) {
  const run = sandboxContract[name];
  const outcome = run === undefined ? { state: "failed", error: "no such case" } : await runSandboxCase(run, scene);
  const error = outcome.state === "failed" ? textOf(outcome.error) : undefined;
  process.stdout.write(`${JSON.stringify({ ...outcome, error })}\n`);
}
await scene.end();
await end();
process.exit(0);

async function subjectOf(): Promise<{ subject: SandboxSubject; end(): Promise<void> }> {
  if (provider === "docker") return dockerSubject({ host, image });
  if (provider === "modal") return modalSubject();
  return hostSubject(provider === "local" ? "local" : "unsafe-process");
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
