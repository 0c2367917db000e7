import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runnerBundlePath } from "@hhopkins/agent-runtime-runner/manifest";
import { afterAll, expect, test } from "vitest";
import { runAs, whyNotAs } from "../local/testing/as-user.ts";

const scratch = mkdtempSync(join(tmpdir(), "ordinary-user-"));
chmodSync(scratch, 0o755);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A server's part in it, as a program of its own. */
const SERVER = `
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { text } from "node:stream/consumers";
import { npmPackage } from ${JSON.stringify(join(import.meta.dirname, "npm-package.ts"))};
import { localSandbox } from ${JSON.stringify(join(import.meta.dirname, "../local/index.ts"))};
import { WITHOUT_END, testSpec } from ${JSON.stringify(join(import.meta.dirname, "../testing/inside.ts"))};

const dataDir = mkdtempSync("/tmp/ordinary-");
const provider = localSandbox({ dataDir, pollMs: 20, keepEnvironments: 1 });
const wants = (hash, installCommand) => ({
  hash: hash.repeat(64), npm: [], pip: [],
  projects: [{ name: "tool", folder: import.meta.dirname, installCommand }],
  registries: { npm: "http://127.0.0.1:1/", pip: "http://127.0.0.1:1/" },
  installer: { bundle: ${JSON.stringify(runnerBundlePath())}, packages: { npm: npmPackage([${JSON.stringify(import.meta.filename)}]) } },
  proxy: { token: "none", serve: (stream) => void stream.destroy() },
});
try {
  const install = wants("0", "npm --version > made");
  const sandbox = await provider.create(testSpec("one", { install }), WITHOUT_END);
  const { stdout } = await sandbox.exec(["sh", "-c", "cat $AGENT_RUNTIME_ENVIRONMENT/projects/tool/made"]);
  const version = (await text(stdout)).trim();
  await sandbox.terminate();
  await provider.prepare({ runner: wants("1", "true").installer, install: wants("1", "true") }, WITHOUT_END);
  const kept = readdirSync(dataDir + "/environments").filter((name) => !name.startsWith("."));
  console.log(JSON.stringify({ uid: process.getuid(), version, kept: kept.length }));
} finally {
  await provider.close();
  rmSync(dataDir, { recursive: true, force: true });
}
`;

test("a server of an ordinary user installs, shares and removes", async (context) => {
  const why = whyNotAs("ordinary user");
  if (why !== null) context.skip(why);
  const file = join(scratch, "server.ts");
  writeFileSync(file, SERVER);
  const said = await runAs("ordinary user", file);
  expect(said).toEqual({ uid: expect.any(Number), version: expect.stringMatching(/^\d+\.\d+\.\d+$/), kept: 1 });
  expect(said).not.toMatchObject({ uid: 0 });
}, 120_000);
