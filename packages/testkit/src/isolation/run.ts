import assert from "node:assert/strict";
import type { ContractProcess, ContractSandbox } from "../sandbox-contract/provider.ts";
import { collected, soon } from "../sandbox-contract/inside.ts";
import { CannotBeShown } from "../case-outcome.ts";
import type { Bait, Hints, IsolationProbe, ProofGround } from "./probe.ts";
import { PRELUDE } from "./probe.ts";
import type { IsolationScene } from "./scene.ts";

/** The system's own: one in a user's folder is not in every sandbox. */
const PYTHON = "/usr/bin/python3";

/** What came of an attack: the bait's word or trace where it was reached, and what the attacker has seen. */
export interface AttackResult {
  readonly reached: string | null;
  readonly saw: string;
  /** It came to its end, and did not merely fail. */
  readonly ended: boolean;
}

/** The attack where it must succeed, then the same in the sandbox under test, where it must not. Rejects otherwise. */
export async function runIsolationProbe(probe: IsolationProbe, scene: IsolationScene): Promise<AttackResult> {
  const groundOf = probe.ground ?? ((_scene: IsolationScene, which: "suspect" | "open") => scene[which].shared());
  const bait = await probe.bait(scene);
  try {
    const proof = wrapped(probe.proof, scene);
    if (proof !== null) {
      const open = await groundOf(scene, "open");
      const shown = await attack({
        probe,
        bait,
        sandbox: open,
        wrap: proof,
        hints: { ...bait.hints, ...bait.proofHints },
      });
      assert.ok(
        shown.reached !== null,
        `the attack fails where nothing is isolated, so it proves nothing: ${shown.saw}`,
      );
    }
    const suspect = await groundOf(scene, "suspect");
    const result = await attack({ probe, bait, sandbox: suspect, wrap: [], hints: bait.hints });
    assert.equal(result.reached, null, result.saw);
    assert.ok(result.ended || probe.mayDie === true, `the attack did not come to its end: ${result.saw}`);
    await probe.afterwards?.(scene, suspect);
    return result;
  } finally {
    await bait.remove?.();
  }
}

/** What the proof's program is started by; null: it was proven by another run. */
function wrapped(ground: ProofGround, scene: IsolationScene): readonly string[] | null {
  if (ground === "plain") return [];
  if (ground === "namespaces") return ["unshare", "--user", "--map-root-user", "--net", "--mount"];
  if (process.getuid?.() !== 0) {
    if (scene.subject.provenAsRoot === true) return null;
    throw new CannotBeShown("only root can show that the attack succeeds where nothing is isolated");
  }
  if (ground === "root") return [];
  return ["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups"];
}

async function attack(of: {
  probe: IsolationProbe;
  bait: Bait;
  sandbox: ContractSandbox;
  wrap: readonly string[];
  hints: Hints;
}): Promise<AttackResult> {
  const { probe, bait, sandbox } = of;
  const text = `${PRELUDE}${probe.attack}\nprint("end", flush=True)`;
  const command = [...of.wrap, PYTHON, "-c", text, JSON.stringify(of.hints)];
  const done = await output(await soon("the attack starts", sandbox.exec(command)));
  const trace = (await bait.trace?.(sandbox)) ?? null;
  const said = `${done.out}${done.err}`;
  const found = done.out.split("\n").filter((line) => line.startsWith("reached: "));
  const word = bait.canary === undefined ? found[0] : found.find((line) => line.includes(bait.canary ?? ""));
  return { reached: trace ?? word ?? null, saw: said.slice(-2000), ended: done.out.endsWith("end\n") };
}

async function output(process: ContractProcess): Promise<{ out: string; err: string }> {
  process.stdin.on("error", () => undefined);
  process.stdin.end();
  // A sandbox that an attack has ended breaks the streams.
  const all = (stream: ContractProcess["stdout"]) => collected(stream).catch(() => Buffer.alloc(0));
  const [out, err] = await soon(
    "the attack ends",
    Promise.all([all(process.stdout), all(process.stderr), process.exited]),
  );
  return { out: out.toString("utf8"), err: err.toString("utf8") };
}
