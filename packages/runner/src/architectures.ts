import type { RunnerArchitecture } from "./architecture.ts";
import { claudeAgentSdk } from "./claude-agent-sdk/index.ts";

const ARCHITECTURES: readonly RunnerArchitecture[] = [claudeAgentSdk];

/** The architecture of that name; undefined where this runner has none. */
export function findArchitecture(name: string): RunnerArchitecture | undefined {
  return ARCHITECTURES.find((architecture) => architecture.name === name);
}
