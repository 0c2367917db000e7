import { script, startScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

/** A registry on loopback with a package `ms` of the test's own. */
async function registry(folder: string): Promise<string> {
  const source = join(folder, "source/package");
  mkdirSync(source, { recursive: true });
  writeFileSync(join(source, "package.json"), JSON.stringify({ name: "ms", version: "2.1.3", main: "index.js" }));
  writeFileSync(
    join(source, "index.js"),
    "module.exports = (n, { long }) => `${n / 60000} ${long ? 'minutes' : 'm'}`;\n",
  );
  const archive = join(folder, "ms.tgz");
  execFileSync("tar", ["-czf", archive, "-C", join(folder, "source"), "package"]);
  const bytes = readFileSync(archive);
  const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
  const server = createServer((request, response) => {
    if (request.url === "/ms.tgz") return void response.end(bytes);
    if (request.url !== "/ms") return void response.writeHead(404).end("{}");
    const dist = { tarball: `http://${request.headers.host}/ms.tgz`, integrity };
    const versions = { "2.1.3": { name: "ms", version: "2.1.3", main: "index.js", dist } };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ name: "ms", "dist-tags": { latest: "2.1.3" }, versions }));
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test(
  "skill-with-dependency: the skill's package is installed, and its script runs with it",
  { timeout: 300_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "agent-example-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const model = await startScriptedModel();
    onTestFinished(() => model.close());
    const command = 'node "$(find "$HOME" -path "*/skills/durations/say.cjs")" 5400000';
    const steps = [
      { tools: [{ name: "Skill", input: { skill: "profile:durations" } }] },
      { tools: [{ name: "Bash", input: { command, description: "Say it" } }] },
      { text: "An hour and a half." },
    ];
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [join(import.meta.dirname, "main.ts"), `How long is that? ${script(steps)}`],
      {
        cwd: folder,
        env: {
          PATH: process.env["PATH"],
          ANTHROPIC_BASE_URL: model.url,
          ANTHROPIC_API_KEY: "model-key",
          NPM_REGISTRY: await registry(folder),
        },
      },
    );
    expect(stdout).toContain("\n90 minutes\nAn hour and a half.\n");
    expect(JSON.stringify(model.requests[0]?.body)).toContain(
      "profile:durations: Says how long something takes in words",
    );
  },
);
