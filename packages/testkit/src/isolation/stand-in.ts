import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A process of this host with a secret in each place that a process has: what the server is to a sandbox. */
export interface StandIn {
  readonly pid: number;
  readonly words: Readonly<Record<"environment" | "memory" | "argument" | "file", string>>;
  /** Address and length of the word in memory. */
  readonly place: readonly [number, number];
  readonly file: string;
  readonly folder: string;
  /** Whether anybody has signalled it since it was asked last. */
  signalled(): Promise<boolean>;
  end(): Promise<void>;
}

/** Lets whoever may read its memory do so, also where only parents may (Yama). */
const PROGRAM = `
import ctypes, signal, sys
ctypes.CDLL(None).prctl(0x59616d61, ctypes.c_ulong(-1), 0, 0, 0)
word = ctypes.create_string_buffer(("".join(sys.stdin.readline().split())).encode())
state = {"signalled": False}
def note(*_): state["signalled"] = True
signal.signal(signal.SIGUSR1, note)
print(ctypes.addressof(word), len(word.value), flush=True)
while sys.stdin.readline():
  print("yes" if state["signalled"] else "no", flush=True)
  state["signalled"] = False
`;

const wordOf = (kind: string): string => `bait-${kind}-${randomBytes(8).toString("hex")}`;

export async function startStandIn(): Promise<StandIn> {
  const words = {
    environment: wordOf("environment"),
    memory: wordOf("memory"),
    argument: wordOf("argument"),
    file: wordOf("file"),
  };
  const folder = await mkdtemp(join(tmpdir(), "isolation-bait-"));
  // What keeps it from a sandbox is to be the sandbox, and not a mode.
  await chmod(folder, 0o777);
  const file = join(folder, "api-key");
  await writeFile(file, words.file);
  const child = spawn("/usr/bin/python3", ["-c", PROGRAM, words.argument], {
    cwd: folder,
    env: { PATH: process.env["PATH"], BAIT_KEY: words.environment },
    stdio: ["pipe", "pipe", "inherit"],
  });
  await once(child, "spawn");
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  // In two parts, that the whole be in its buffer alone.
  child.stdin.write(`${words.memory.slice(0, 12)} ${words.memory.slice(12)}\n`);
  const said = String((await lines.next()).value)
    .split(" ")
    .map(Number);
  return {
    pid: child.pid ?? 0,
    words,
    place: [said[0] ?? 0, said[1] ?? 0],
    file,
    folder,
    async signalled() {
      child.stdin.write("asked\n");
      return (await lines.next()).value === "yes";
    },
    async end() {
      child.kill("SIGKILL");
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
