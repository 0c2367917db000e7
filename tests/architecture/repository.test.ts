import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { expect, test } from "vitest";
import { repository } from "./small-workspace.ts";

const read = (path: string): string => readFileSync(join(repository, path), "utf8");

test("the lockfile holds no download addresses", () => {
  expect(read("pnpm-lock.yaml").match(/tarball:|https?:\/\/\S+/g) ?? []).toEqual([]);
});

test("every dependency is pinned", () => {
  const manifests = execFileSync("git", ["ls-files", "--", "package.json", "*/package.json"], {
    cwd: repository,
    encoding: "utf8",
  });
  const loose = manifests
    .split("\n")
    .filter((path) => path !== "" && existsSync(join(repository, path)))
    .flatMap((path) => {
      const { dependencies, devDependencies } = JSON.parse(read(path)) as Record<string, Record<string, string>>;
      return Object.entries({ ...dependencies, ...devDependencies })
        .filter(([, version]) => !/^(workspace:\*|(npm:[a-z-]+@)?\d+\.\d+\.\d+(-\d+)?)$/.test(version))
        .map(([name, version]) => `${path}: ${name} ${version}`);
    });
  expect(loose).toEqual([]);
});

test("the program that CI runs may be executed", () => {
  const modes = execFileSync(
    "git",
    ["ls-files", "--stage", "--", ".ci/run", "scripts/pnpm", "scripts/system-packages.sh"],
    {
      cwd: repository,
      encoding: "utf8",
    },
  );
  expect(
    modes
      .trim()
      .split("\n")
      .map((line) => line.slice(0, 6)),
  ).toEqual(["100755", "100755", "100755"]);
});

test("nothing that renders what agents say takes text for HTML or for a program", () => {
  const sources = execFileSync("git", ["ls-files", "--", "apps/console/src", "packages/react/src"], {
    cwd: repository,
    encoding: "utf8",
  })
    .split("\n")
    .filter((path) => /\.tsx?$/.test(path) && !/\.test\.tsx?$/.test(path) && existsSync(join(repository, path)));
  expect(sources.length).toBeGreaterThan(100);
  const ways =
    /dangerouslySetInnerHTML|(inner|outer)HTML|insertAdjacentHTML|setHTMLUnsafe|createContextualFragment|DOMParser|document\.write|\beval\(|new Function\(|srcDoc/;
  expect(sources.filter((path) => ways.test(read(path)))).toEqual([]);
});

test("`npm start` and `npm test` begin on whatever Node people have: on the oldest one too", (context) => {
  const nodes = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "node"));
  const versionOf = (node: string): string => execFileSync(node, ["--version"], { encoding: "utf8" }).trim();
  const older = nodes.filter(existsSync).find((node) => /^v2[0-3]\./.test(versionOf(node)));
  if (older === undefined) return context.skip("there is no Node before 24 on this machine");
  // What these import is linked, and nothing of it runs.
  const load = `for (const name of ["install", "run", "bundle"]) await import("./scripts/" + name + ".mjs");`;
  execFileSync(older, ["--input-type=module", "--eval", load], { cwd: repository, stdio: "pipe" });
});
