/** Where things are inside a sandbox on Modal: the image and the two programs of ours in it agree on these. */
export const INSIDE = {
  /** What the image brings: our programs, and `node_modules` of the harness. */
  runtime: "/opt/agent-runtime",
  runner: "/opt/agent-runtime/runner.mjs",
  boot: "/opt/agent-runtime/boot.mjs",
  bridge: "/opt/agent-runtime/bridge.mjs",
  execSupervisor: "/opt/agent-runtime/exec-supervisor.mjs",
  environment: "/opt/agent-environment",
  workspace: "/workspace",
  home: "/home/agent",
  state: "/state",
  /** The agent can read these two, and cannot write them where it is not the user that the bridge is. */
  sockets: "/run/agent-runtime/sockets",
  bridges: "/run/agent-runtime/bridges",
} as const;

/** The bridge's channel for programs that are started from outside. */
export const EXEC_CHANNEL = "exec";

/** What was installed for the profile comes first. */
export function insideVariables(variables: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const installed = variables["AGENT_RUNTIME_ENVIRONMENT"];
  if (installed === undefined) return variables;
  return { ...variables, PATH: `${installed}/node_modules/.bin:${installed}/python/bin:${variables["PATH"] ?? ""}` };
}
