import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterAll, expect, it } from "vitest";
import { runStep } from "./run-step.ts";
import { installSteps, installVariables } from "./steps.ts";
import type { InstallRequest } from "./wire.ts";

const folder = mkdtempSync(`${tmpdir()}/steps-`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const registries = { npm: "https://npm.example/", pip: "https://pip.example/simple/" };
const request = (more: Partial<InstallRequest>): InstallRequest => ({
  npm: [],
  pip: [],
  projects: [],
  registries,
  ...more,
});
const at = { environment: "/environment", npm: ["node", "/npm-cli.js"] };

it("installs npm's packages, Python's, then the projects, each as arguments and never as flags", () => {
  const projects = [{ name: "tool", installCommand: "make && make install" }];
  const steps = installSteps(request({ npm: ["a@1", "b"], pip: ["c==2"], projects }), at);
  expect(steps.map(({ label }) => label)).toEqual([
    "Installing npm packages: a@1, b",
    "Making a Python environment",
    "Installing Python packages: c==2",
    "Installing the project tool",
  ]);
  expect(steps[0]?.command).toEqual([
    "node",
    "/npm-cli.js",
    "install",
    "--prefix",
    "/environment",
    "--omit=dev",
    "--",
    "a@1",
    "b",
  ]);
  expect(steps[2]?.command.slice(-2)).toEqual(["--", "c==2"]);
  expect(steps[3]).toMatchObject({ command: ["sh", "-c", "make && make install"], cwd: "/environment/projects/tool" });
  expect(installSteps(request({ npm: ["a"] }), at)).toHaveLength(1);
  expect(installSteps(request({}), at)).toEqual([]);
});

it("tells npm and pip where packages are; an index without TLS is trusted by name", () => {
  expect(installVariables(request({}))).toMatchObject({
    npm_config_registry: "https://npm.example/",
    PIP_INDEX_URL: "https://pip.example/simple/",
  });
  expect(installVariables(request({}))).not.toHaveProperty("PIP_TRUSTED_HOST");
  const plain = { ...registries, pip: "http://10.0.0.7:8080/simple/" };
  expect(installVariables(request({ registries: plain }))).toHaveProperty("PIP_TRUSTED_HOST", "10.0.0.7:8080");
});

it("a step that fails tells its last lines, without colours, long ones cut, however much it said", async () => {
  const run = (script: string, lines: string[] = []): Promise<void> =>
    runStep(
      { label: "Trying", command: ["sh", "-c", script], cwd: folder },
      { PATH: process.env["PATH"] ?? "" },
      (line) => lines.push(line),
    );
  const lines: string[] = [];
  await run("echo one; printf '\\033[31mtwo\\033[0m\\rthree'", lines);
  expect(lines).toEqual(["one", "two", "three"]);
  const loud = await run("seq 1 5000; head -c 100000 /dev/zero | tr '\\0' x; echo; echo last >&2; exit 3").then(
    () => "",
    String,
  );
  expect(loud).toMatch(/^Error: Trying failed \(exit code 3\)\. It said last:\n/);
  expect(loud).toMatch(/\n4999\n5000\n/);
  expect(loud).toContain("last");
  expect(loud.length).toBeLessThan(7_000);
  await expect(run("kill -9 $$")).rejects.toThrow("Trying failed (killed by SIGKILL).");
  const missing = { label: "Trying", command: [`${folder}/none`], cwd: folder };
  await expect(runStep(missing, {}, () => undefined)).rejects.toThrow(/could not be started: .*ENOENT/);
});
