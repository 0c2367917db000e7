import { CannotBeShown } from "../case-outcome.ts";
import { hostProbes } from "./host.ts";
import { kernelProbes } from "./kernel.ts";
import { networkProbes } from "./network.ts";
import type { IsolationProbe } from "./probe.ts";
import { runIsolationProbe } from "./run.ts";
import type { IsolationScene } from "./scene.ts";

export { openIsolationScene } from "./scene.ts";
export type { IsolationScene, IsolationSubject } from "./scene.ts";
export type { IsolationProbe } from "./probe.ts";

/** What came of a probe; contained: what the attacker has seen. */
export type IsolationOutcome =
  | { readonly state: "passed"; readonly saw: string }
  | { readonly state: "skipped"; readonly reason: string }
  | { readonly state: "failed"; readonly error: unknown };

/**
 * What an attacker inside a sandbox tries, by name. Each attack first has to succeed where nothing is isolated, with the
 * same program: one that merely fails proves nothing. Needs Linux, and Python 3 outside and inside.
 */
export const isolationProbes: Readonly<Record<string, IsolationProbe>> = {
  ...hostProbes,
  ...networkProbes,
  ...kernelProbes,
};

/** Runs one probe; one that says nothing about its provider is skipped, with the reason. */
export async function tryIsolation(name: string, scene: IsolationScene): Promise<IsolationOutcome> {
  const reason = scene.subject.cannotShow?.[name];
  if (reason !== undefined) return { state: "skipped", reason };
  const probe = isolationProbes[name];
  if (probe === undefined) return { state: "failed", error: new Error(`there is no probe ${name}`) };
  try {
    return { state: "passed", saw: (await runIsolationProbe(probe, scene)).saw };
  } catch (error) {
    if (error instanceof CannotBeShown) return { state: "skipped", reason: error.message };
    return { state: "failed", error };
  }
}
