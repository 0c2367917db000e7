import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync, chmodSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AgentProfile } from "@hhopkins/agent-runtime-protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { npmPackage } from "./npm-package.ts";
import { profileEnvironment } from "./profile-environment.ts";
import { registriesFrom } from "./registries.ts";

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "profile-environment-"));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const options = {
  registries: registriesFrom().urls,
  installer: () => ({ bundle: "/runner.mjs", packages: {} }),
  proxy: { token: "token", serve: () => undefined },
};
const profile = (more: object): AgentProfile => AgentProfile.parse({ id: "p", name: "P", ...more });
const skill = (name: string, more: object): object => ({ name, description: "Is installed", skillMd: "", ...more });
const of = (more: object) => profileEnvironment(profile(more), options);

test("what the profile, its skills and its bundled MCP servers want is one environment", async () => {
  const mcp = { name: "tool", description: "", localProjectPath: scratch, startCommand: "", installCommand: "make" };
  const wanted = await of({
    npmDependencies: ["b@1", "a@^2"],
    pipDependencies: ["x==1"],
    skills: [
      skill("s", {
        npmDependencies: ["@scope/c"],
        pipDependencies: ["x==1", "w[extra]>=2,<3; python_version > '3.8'"],
      }),
      skill("t", { npmDependencies: ["b@1"] }),
    ],
    bundledMCPs: [mcp],
  });
  expect(wanted).toMatchObject({
    hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    npm: ["@scope/c", "a@^2", "b@1"],
    pip: ["w[extra]>=2,<3; python_version > '3.8'", "x==1"],
    projects: [{ name: "tool", folder: scratch, installCommand: "make" }],
    registries: { npm: "https://registry.npmjs.org/", pip: "https://pypi.org/simple/" },
  });
  expect(await of({ tools: ["Read"] })).toBeUndefined();
});

test("the hash is of what is wanted, not of its order, and of everything in a project that matters", async () => {
  const hash = async (more: object, own = options): Promise<string | undefined> =>
    (await profileEnvironment(profile(more), own))?.hash;
  expect(await hash({ npmDependencies: ["a", "b"] })).toBe(await hash({ npmDependencies: ["b", "a", "b"] }));
  expect(await hash({ npmDependencies: ["a"] })).not.toBe(await hash({ pipDependencies: ["a"] }));
  const elsewhere = { ...options, registries: registriesFrom({ npm: "https://npm.example.com" }).urls };
  expect(await hash({ npmDependencies: ["a"] }, elsewhere)).not.toBe(await hash({ npmDependencies: ["a"] }));

  const file = join(scratch, "src", "main.js");
  mkdirSync(join(scratch, "src"));
  writeFileSync(file, "1");
  const mcp = { name: "tool", description: "", localProjectPath: scratch, startCommand: "", installCommand: "make" };
  const seen = [await hash({ bundledMCPs: [mcp] })];
  const next = async (): Promise<void> => {
    const now = await hash({ bundledMCPs: [mcp] });
    expect(seen).not.toContain(now);
    seen.push(now);
  };
  writeFileSync(file, "2");
  await next();
  chmodSync(file, 0o755);
  await next();
  symlinkSync("/etc/passwd", join(scratch, "link"));
  await next();
  mkdirSync(join(scratch, "node_modules"));
  writeFileSync(join(scratch, "node_modules", "made"), "");
  expect(await hash({ bundledMCPs: [mcp] })).toBe(seen.at(-1));
});

test("two versions of one npm package, and a project that is not there: the fields are named", async () => {
  const skills = [skill("s", { npmDependencies: ["@scope/a@2"] })];
  await expect(of({ npmDependencies: ["@scope/a@1"], skills })).rejects.toMatchObject({
    code: "environment_failed",
    field: "skills.s.npmDependencies",
    message: expect.stringMatching(/@scope\/a@1 \(npmDependencies\) and @scope\/a@2 .*Choose one/),
  });
  const mcp = { name: "tool", description: "", startCommand: "", installCommand: "" };
  for (const localProjectPath of [join(scratch, "none"), "relative"]) {
    await expect(of({ bundledMCPs: [{ ...mcp, localProjectPath }] })).rejects.toMatchObject({
      code: "environment_failed",
      message: expect.stringMatching(/project tool .* localProjectPath must be the absolute path/),
    });
  }
});

describe("a dependency that is no package of a registry is refused", () => {
  test.each([
    [
      "npmDependencies",
      ["-g", "--registry=http://evil", "./path", "../path", "/path", "file:x", "git+ssh://x/y", "a/b"],
    ],
    ["npmDependencies", ["http://x/y.tgz", "a@http://x", "a@npm:b", "a;reboot", "a$(reboot)", "a\nb", ".", "_a", ""]],
    ["pipDependencies", ["-r file", "--index-url=http://evil", "./path", "/path", "git+https://x/y", "a @ http://x"]],
    ["pipDependencies", ["a==1 --global-option=x", "a;reboot", "$(reboot)", "a\nb", "", "a|b", "a&b"]],
  ])("%s %j", (field, specs) => {
    for (const spec of specs) {
      const parsed = AgentProfile.safeParse({ id: "p", name: "P", [field]: [spec] });
      expect(parsed.error?.issues[0], spec).toMatchObject({
        path: [field, 0],
        message: expect.stringMatching(/must be a package/),
      });
    }
  });

  test("names that could be paths are no names of bundled servers", () => {
    const mcp = { description: "", localProjectPath: "/", startCommand: "", installCommand: "" };
    for (const name of ["..", ".hidden", "a/b", "-a", "", "a b"])
      expect(AgentProfile.safeParse({ id: "p", name: "P", bundledMCPs: [{ ...mcp, name }] }).success, name).toBe(false);
  });
});

test("registries: their hosts alone are reached; logins in their URLs are refused", () => {
  expect(registriesFrom().hosts).toEqual(["registry.npmjs.org:443", "pypi.org:443", "files.pythonhosted.org"]);
  const own = registriesFrom({
    npm: "https://npm.example.com/x",
    pip: "http://10.0.0.7/simple",
    hosts: ["nodejs.org"],
  });
  expect(own.urls).toEqual({ npm: "https://npm.example.com/x/", pip: "http://10.0.0.7/simple/" });
  expect(own.hosts).toEqual(["npm.example.com:443", "10.0.0.7:80", "nodejs.org"]);
  for (const npm of ["file:///x", "nonsense", "https://user:secret@npm.example.com/"])
    expect(() => registriesFrom({ npm })).toThrow(/registries\.npm must be/);
});

test("npm is the application's, or the one beside Node, or the command that installs it is named", () => {
  expect(npmPackage([import.meta.url])).toMatch(/node_modules\/npm$/);
  const beside = join(scratch, "lib/node_modules/npm");
  mkdirSync(join(beside, "bin"), { recursive: true });
  mkdirSync(join(beside, "node_modules"));
  mkdirSync(join(scratch, "bin"));
  writeFileSync(join(beside, "bin/npm-cli.js"), "");
  writeFileSync(join(scratch, "bin/node"), "");
  expect(npmPackage([scratch], join(scratch, "bin/node"))).toBe(beside);
  rmSync(beside, { recursive: true });
  expect(() => npmPackage([scratch], join(scratch, "bin/node"))).toThrow(/npm install npm@/);
});
