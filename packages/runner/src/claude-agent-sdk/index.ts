import type { RunnerArchitecture } from "../architecture.ts";
import { startHarness } from "./driver.ts";

/** Claude through the Agent SDK: its native binary, driven by streaming input. */
export const claudeAgentSdk: RunnerArchitecture = {
  name: "claude-agent-sdk",
  start: (spec, signal) => startHarness(spec, signal),
};
