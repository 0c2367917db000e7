import { outcomeOf, type CaseOutcome } from "../case-outcome.ts";
import { channelCases } from "./channels.ts";
import { creationCases } from "./creation.ts";
import { execCases } from "./exec.ts";
import { execStreamCases } from "./exec-streams.ts";
import { fileCases } from "./files.ts";
import type { SandboxScene } from "./scene.ts";
import { lifeCases } from "./life.ts";

export { openSandboxScene } from "./scene.ts";
export type { SandboxScene } from "./scene.ts";
export type { CannotShow, SandboxSubject } from "./subject.ts";
export { createInProcess } from "./elsewhere.ts";
export type {
  ContractCreateOptions,
  ContractExecOptions,
  ContractProcess,
  ContractProvider,
  ContractRef,
  ContractSandbox,
  ContractSpec,
  ContractTags,
} from "./provider.ts";

export type SandboxCase = (scene: SandboxScene) => Promise<void>;

/** What a case came to. */
export type SandboxCaseOutcome = CaseOutcome;

/**
 * What a sandbox provider promises: cases by name, each an async function that rejects (`node:assert`) where the promise
 * is broken. Any test runner can run them: `openSandboxScene(subject)` once, `runSandboxCase` for each, `scene.end()`.
 */
export const sandboxContract: Readonly<Record<string, SandboxCase>> = {
  ...creationCases,
  ...execCases,
  ...execStreamCases,
  ...fileCases,
  ...channelCases,
  ...lifeCases,
};

/** Runs one case; one that its subject cannot show is skipped, with the reason. */
export async function runSandboxCase(run: SandboxCase, scene: SandboxScene): Promise<SandboxCaseOutcome> {
  return await outcomeOf(() => run(scene));
}
