import type { ContractSandbox } from "../sandbox-contract/provider.ts";
import type { IsolationScene } from "./scene.ts";

/** What the attacker is told: where to look, never the word that it is to bring. */
export type Hints = Readonly<Record<string, string | number | readonly (string | number)[]>>;

/** What lies outside for the attacker to find. */
export interface Bait {
  readonly hints: Hints;
  /** Given to the attack where nothing is isolated, and only there. */
  readonly proofHints?: Hints;
  /** The word that only the bait has; without it, what the attack calls reached counts. */
  readonly canary?: string;
  /** Asked after an attack: what it has done outside; null: nothing. */
  readonly trace?: (sandbox: ContractSandbox) => Promise<string | null>;
  readonly remove?: () => Promise<void>;
}

/**
 * How the attack runs where it has to succeed: as it is; in user, network and mount namespaces of its own, where it has
 * every capability; as it is, and only as root; as a user without rights, started by root.
 */
export type ProofGround = "plain" | "namespaces" | "root" | "stranger";

export interface IsolationProbe {
  /** Python: `hints`, `reached(text)`, `saw(text)`, `attempt(name, function)` are there. */
  readonly attack: string;
  readonly proof: ProofGround;
  bait(scene: IsolationScene): Promise<Bait>;
  /** The sandbox to attack; the shared one by default. */
  readonly ground?: (scene: IsolationScene, which: "suspect" | "open") => Promise<ContractSandbox>;
  /** Being killed, alone or with its sandbox, counts as contained. */
  readonly mayDie?: boolean;
  /** What must still be so after the attack. */
  readonly afterwards?: (scene: IsolationScene, attacked: ContractSandbox) => Promise<void>;
}

/** What precedes each attack. */
export const PRELUDE = `
import ctypes, errno, json, os, re, signal, socket, struct, sys, threading, time
hints = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
workspace = os.environ["AGENT_RUNTIME_WORKSPACE"]
def reached(what): print("reached: " + str(what), flush=True)
def saw(what): print("saw: " + str(what), flush=True)
def attempt(name, function):
  try: return function()
  except OSError as error: saw(name + ": " + (errno.errorcode.get(error.errno or 0) or str(error)))
def call(name, number, *arguments):
  ctypes.set_errno(0)
  # An integer is given as half a register otherwise.
  code = libc.syscall(number, *[ctypes.c_long(one) if isinstance(one, int) else one for one in arguments])
  if code < 0: raise OSError(ctypes.get_errno(), name)
  return code
x64 = os.uname().machine == "x86_64"
def pids():
  there = [int(name) for name in os.listdir("/proc") if name.isdigit()]
  return [hints["pid"]] + (there if len(there) < 60 else [])
def own_loopback(address="127.0.0.1"):
  control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
  import fcntl
  if address != "127.0.0.1":
    fcntl.ioctl(control, 0x8916, struct.pack("16sHH4s8x", b"lo:1", socket.AF_INET, 0, socket.inet_aton(address)))
  fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", 0x41))
`;
