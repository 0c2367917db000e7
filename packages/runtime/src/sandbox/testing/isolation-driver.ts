// Runs probes of isolation in a process of its own, of whatever user it is started as: `node isolation-driver.ts PROVIDER`,
// for docker with the engine and the image. Reads names of probes, a line each; writes how each came out, a line of JSON each.
import { openIsolationScene, tryIsolation } from "@hhopkins/agent-runtime-testkit";
import { createInterface } from "node:readline";
import { isolationSubject } from "./isolation-subject.ts";

const [provider = "", host = "", image = ""] = process.argv.slice(2);
// Whoever asked has given up.
process.stdout.on("error", () => process.exit(1));
const { subject, end } = await isolationSubject(provider, { host, image });
const scene = await openIsolationScene({ ...subject, provenAsRoot: process.env["PROVEN_AS_ROOT"] === "yes" });
for await (const name of createInterface({ input: process.stdin })) {
  const outcome = await tryIsolation(name, scene);
  const error = outcome.state === "failed" ? textOf(outcome.error) : undefined;
  process.stdout.write(`${JSON.stringify({ ...outcome, error })}\n`);
}
await scene.end();
await end();
process.exit(0);

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
