export type { Harness, HarnessMessage, HarnessSpec, RunnerArchitecture, TurnEnd } from "./architecture.ts";
export { startRunner } from "./runner.ts";
export type { Runner, RunnerOptions } from "./runner.ts";
export type { RunnerPaths, RunnerSettings } from "./environment.ts";
