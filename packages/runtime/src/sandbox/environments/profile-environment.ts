import { createHash } from "node:crypto";
import { RuntimeError, type AgentProfile } from "@hhopkins/agent-runtime-protocol";
import type { EnvironmentSpec, RunnerFiles } from "../port.ts";
import { projectDigest } from "./project-files.ts";

export interface ProfileEnvironmentOptions {
  readonly registries: EnvironmentSpec["registries"];
  /** Throws `missing_dependency`. */
  readonly installer: () => RunnerFiles;
  readonly proxy: EnvironmentSpec["proxy"];
}

/**
 * What a profile wants installed, its skills' and bundled MCP servers' wishes among it; undefined: nothing. Throws
 * `environment_failed` that names the field where two wishes exclude each other or a project is not there.
 */
export async function profileEnvironment(
  profile: AgentProfile,
  options: ProfileEnvironmentOptions,
): Promise<EnvironmentSpec | undefined> {
  const npm = npmWishes(profile);
  const pip = distinct(wishes(profile, "pipDependencies").map(({ spec }) => spec));
  const projects = (profile.bundledMCPs ?? []).map(({ name, localProjectPath, installCommand }) => ({
    name,
    folder: localProjectPath,
    installCommand,
  }));
  if (npm.length + pip.length + projects.length === 0) return undefined;
  const { registries } = options;
  const contents = [];
  for (const { name, folder, installCommand } of projects) {
    contents.push({ name, installCommand, digest: await projectDigest(name, folder) });
  }
  const hash = createHash("sha256").update(JSON.stringify({ npm, pip, contents, registries })).digest("hex");
  return { hash, npm, pip, projects, registries, installer: options.installer(), proxy: options.proxy };
}

type Field = "npmDependencies" | "pipDependencies";
interface Wish {
  readonly spec: string;
  /** Where in the profile it stands. */
  readonly field: string;
}

function wishes(profile: AgentProfile, field: Field): readonly Wish[] {
  const own = (profile[field] ?? []).map((spec) => ({ spec, field }));
  const ofSkills = (profile.skills ?? []).flatMap((skill) =>
    (skill[field] ?? []).map((spec) => ({ spec, field: `skills.${skill.name}.${field}` })),
  );
  return [...own, ...ofSkills];
}

/** npm takes the last of two versions without a word; here somebody has to choose. */
function npmWishes(profile: AgentProfile): readonly string[] {
  const byName = new Map<string, Wish>();
  for (const wish of wishes(profile, "npmDependencies")) {
    const name = wish.spec.replace(/(?<=.)@.*$/, "");
    const other = byName.get(name);
    if (other !== undefined && other.spec !== wish.spec) {
      throw new RuntimeError(
        "environment_failed",
        `The profile wants ${name} in two versions: ${other.spec} (${other.field}) and ${wish.spec} (${wish.field}). Choose one.`,
        { field: wish.field },
      );
    }
    byName.set(name, wish);
  }
  return distinct([...byName.values()].map(({ spec }) => spec));
}

/** In one order: what is wanted is the same, in whatever order it is said. */
function distinct(specs: readonly string[]): readonly string[] {
  return [...new Set(specs)].toSorted();
}
