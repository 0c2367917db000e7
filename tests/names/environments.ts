import { fieldsOf, tested, testsIn, type Row } from "./row.ts";

const session = testsIn("packages/runtime/src/profile-environments.test.ts");
const host = testsIn("packages/runtime/src/sandbox/environments/environments.test.ts");
const wishes = testsIn("packages/runtime/src/sandbox/environments/profile-environment.test.ts");
const settings = testsIn("apps/server/src/settings/settings.test.ts");
const server = testsIn("apps/server/src/serve/server.test.ts");

const used = session("an agent has what its profile and its skills want installed; the status tells how far it is");
const wanted = wishes("what the profile, its skills and its bundled MCP servers want is one environment");

/** What profiles want installed. */
export const environmentRows: readonly Row[] = [
  ...tested("field", fieldsOf("AgentProfile", "npmDependencies pipDependencies"), wanted),
  ...tested("field", fieldsOf("Skill", "npmDependencies pipDependencies"), wanted),
  ...tested("field", fieldsOf("BundledMcp", "name localProjectPath installCommand"), wanted),
  ...tested("option", ["createAgentRuntime.registries"], used),
  ...tested(
    "option",
    ["createAgentRuntime.environmentTimeoutMs"],
    session("what is not installed within environmentTimeoutMs is given up, with what it was at"),
  ),
  ...tested(
    "option",
    ["hostSandbox.keepEnvironments", "dockerSandbox.keepEnvironments"],
    host("the longest unused are removed beyond keepEnvironments, and never one that a sandbox has"),
  ),
  ...tested(
    "option",
    ["hostSandbox.environmentBytes", "dockerSandbox.environmentBytes"],
    host("what takes more bytes than it may is ended, with the option that bounds it"),
  ),
  ...tested(
    "method",
    ["sandboxProvider.prepare"],
    host("it is set up once: who comes meanwhile waits and sees how far it is, who comes later has it at once"),
  ),
  ...tested("entry point", ["@hhopkins/agent-runtime-runner/install"], used),
  ...tested(
    "error code",
    ["environment_failed"],
    session("an install that fails ends the turn with the tool's own words; the next message tries again"),
  ),
  ...tested(
    "flag",
    ["--npm-registry", "--pip-index", "--registry-hosts"],
    server("--npm-registry, --pip-index and --registry-hosts go on to the runtime, which refuses a login in them"),
  ),
  ...tested(
    "variable",
    ["NPM_REGISTRY", "PIP_INDEX", "REGISTRY_HOSTS"].map((name) => `AGENT_RUNTIME_${name}`),
    settings("%s"),
  ),
];
