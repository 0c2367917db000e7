import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { RUNNER_ARCHITECTURES, runnerBundlePath } from "./manifest.ts";

const claude = RUNNER_ARCHITECTURES["claude-agent-sdk"]!;
const temporary = mkdtempSync(join(tmpdir(), "runner-manifest-"));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

describe("what a sandbox must hold", () => {
  it("finds the SDK and its platform's binary, whether asked by file URL or by folder", () => {
    const found = claude.resolvePackages(import.meta.url);
    expect(Object.keys(found)).toEqual(claude.packages);
    for (const folder of Object.values(found)) expect(existsSync(join(folder, "package.json"))).toBe(true);
    expect(claude.resolvePackages([temporary, import.meta.dirname])).toEqual(found);
  });

  it("names the install command for what is missing, and installs the version that was tested", () => {
    expect(() => claude.resolvePackages(temporary)).toThrow(
      expect.objectContaining({
        code: "missing_dependency",
        message: expect.stringContaining(claude.installCommand) as string,
      }) as Error,
    );
    const own = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8")) as {
      peerDependencies: Record<string, string>;
    };
    const sdk = claude.packages[0]!;
    expect(claude.installCommand).toBe(`npm install ${sdk}@${own.peerDependencies[sdk]}`);
  });

  it("lists every package that the SDK needs at load: it loads with nothing else around it", () => {
    const sdk = claude.packages[0]!;
    const target = join(temporary, "node_modules", sdk);
    mkdirSync(target, { recursive: true });
    cpSync(claude.resolvePackages(import.meta.url)[sdk]!, target, { recursive: true });
    const code = `const sdk = await import(${JSON.stringify(join(target, "sdk.mjs"))}); console.log(typeof sdk.query)`;
    const run = spawnSync(process.execPath, ["--input-type=module", "-e", code], { cwd: temporary, encoding: "utf8" });
    expect(run.stderr).toBe("");
    expect(run.stdout.trim()).toBe("function");
    // The binary is missing beside this copy.
    expect(() => claude.resolvePackages(temporary)).toThrow(/optional dependency of .* is not installed/);
  });

  it("knows where the bundle lies", () => {
    expect(existsSync(runnerBundlePath())).toBe(true);
  });
});
