import type { ContractSandbox } from "../sandbox-contract/provider.ts";
import { openSandboxScene } from "../sandbox-contract/scene.ts";
import type { SandboxScene } from "../sandbox-contract/scene.ts";
import type { SandboxSubject } from "../sandbox-contract/subject.ts";
import { startStandIn } from "./stand-in.ts";
import type { StandIn } from "./stand-in.ts";

/** A provider to attack, and one that isolates nothing, in which each attack has to succeed first. */
export interface IsolationSubject {
  readonly suspect: SandboxSubject;
  readonly open: SandboxSubject;
  /** Folders of this host where the sandboxes of each have their files. */
  readonly folders: Readonly<Record<"suspect" | "open", readonly string[]>>;
  /** Probes that say nothing about this provider, with the reason. */
  readonly cannotShow?: Readonly<Record<string, string>>;
  /** Probes whose attack needs root to succeed have succeeded in another run, as root. */
  readonly provenAsRoot?: boolean;
}

export interface IsolationScene {
  readonly subject: IsolationSubject;
  readonly suspect: SandboxScene;
  readonly open: SandboxScene;
  readonly standIn: StandIn;
  /** A sandbox with bounds. */
  createBounded(which: "suspect" | "open"): Promise<ContractSandbox>;
  end(): Promise<void>;
}

const MIB = 1024 * 1024;
/** Bounds of the sandbox that bombs go off in; the bombs are larger. */
export const BOUNDS = { processes: 100, memoryBytes: 256 * MIB };

/** Prepares a run of the attacks; `end` takes away what it has made. */
export async function openIsolationScene(subject: IsolationSubject): Promise<IsolationScene> {
  const standIn = await startStandIn();
  const scenes = { suspect: await openSandboxScene(subject.suspect), open: await openSandboxScene(subject.open) };
  return {
    subject,
    ...scenes,
    standIn,
    createBounded(which) {
      const bounded = { ...scenes[which].spec(), limits: BOUNDS };
      return scenes[which].create(bounded);
    },
    async end() {
      await Promise.allSettled([scenes.suspect.end(), scenes.open.end()]);
      await standIn.end();
    },
  };
}
