import { randomBytes } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { shell } from "../sandbox-contract/inside.ts";
import type { ContractSandbox } from "../sandbox-contract/provider.ts";
import type { Bait, IsolationProbe } from "./probe.ts";
import type { IsolationScene } from "./scene.ts";

/** A bait that is one of the stand-in's words. */
const wordOf =
  (kind: keyof IsolationScene["standIn"]["words"]) =>
  async ({ standIn }: IsolationScene): Promise<Bait> => ({
    hints: { pid: standIn.pid, place: standIn.place, file: standIn.file },
    canary: standIn.words[kind],
  });

const workspaceOf = async (sandbox: ContractSandbox): Promise<string> =>
  (await shell(sandbox, 'printf %s "$AGENT_RUNTIME_WORKSPACE"')).trim();

/** Files with a word, in workspaces of other sandboxes of both providers. */
async function othersWorkspace({ suspect, open, subject }: IsolationScene): Promise<Bait> {
  const name = `theirs-${randomBytes(6).toString("hex")}`;
  const canary = `bait-workspace-${randomBytes(8).toString("hex")}`;
  const others = [await suspect.create(), await open.create()];
  for (const other of others) await other.writeFile(join(await workspaceOf(other), name), Buffer.from(canary));
  return {
    hints: { name, folders: [...subject.folders.suspect, "/"] },
    proofHints: { folders: subject.folders.open },
    canary,
    remove: async () => void (await Promise.all(others.map((other) => other.terminate()))),
  };
}

/** Whether the server reads a host's file by a name in the workspace. */
async function linkTrace({ words }: IsolationScene["standIn"], sandbox: ContractSandbox): Promise<string | null> {
  const workspace = await workspaceOf(sandbox);
  for (const name of ["soft", "hard", "folder/api-key"]) {
    const bytes = await sandbox.readFile(join(workspace, name)).catch(() => null);
    if (bytes?.includes(words.file) === true) return `the server reads ${words.file} at ${name}`;
  }
  return null;
}

/** What a sandbox must not reach of the host's processes and files. */
export const hostProbes: Readonly<Record<string, IsolationProbe>> = {
  "the server's environment": {
    proof: "plain",
    bait: wordOf("environment"),
    attack: `
for pid in pids() + ["self"]:
  for word in attempt("environ of %s" % pid, lambda: re.findall(rb"bait-environment-[0-9a-f]{16}", open("/proc/%s/environ" % pid, "rb").read())) or []:
    reached(word.decode())
`,
  },

  "the server's memory, by /proc": {
    proof: "plain",
    bait: wordOf("memory"),
    attack: `
def search(pid):
  with open("/proc/%s/maps" % pid) as maps, open("/proc/%s/mem" % pid, "rb", 0) as memory:
    for line in maps:
      span, rights = line.split()[:2]
      begin, end = (int(part, 16) for part in span.split("-"))
      if not rights.startswith("rw") or end - begin > 1 << 28: continue
      try:
        for word in re.findall(rb"bait-memory-[0-9a-f]{16}", os.pread(memory.fileno(), end - begin, begin)): reached(word.decode())
      except (OSError, OverflowError): pass
for pid in pids():
  if pid != os.getpid(): attempt("memory of %s" % pid, lambda: search(pid))
`,
  },

  "the server's memory, by process_vm_readv": {
    proof: "plain",
    bait: wordOf("memory"),
    attack: `
class Span(ctypes.Structure): _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
address, length = hints["place"]
mine = ctypes.create_string_buffer(length)
here, there = Span(ctypes.addressof(mine), length), Span(address, length)
attempt("read", lambda: (call("read", 310 if x64 else 270, hints["pid"], ctypes.byref(here), 1, ctypes.byref(there), 1, 0), reached(mine.raw.decode())))
`,
  },

  "the server under ptrace": {
    proof: "plain",
    bait: async ({ standIn }) => ({ hints: { pid: standIn.pid } }),
    attack: `
attempt("seize", lambda: (call("seize", 101 if x64 else 117, 0x4206, hints["pid"], 0, 0), reached("traces it")))
`,
  },

  "the host's processes in the list": {
    proof: "plain",
    bait: wordOf("argument"),
    attack: `
for pid in os.listdir("/proc"):
  if pid.isdigit():
    try: found = re.findall(rb"bait-argument-[0-9a-f]{16}", open("/proc/%s/cmdline" % pid, "rb").read())
    except OSError: found = []
    for word in found: reached(word.decode())
saw("%d processes" % len([name for name in os.listdir("/proc") if name.isdigit()]))
`,
  },

  "a signal to the host's processes": {
    proof: "plain",
    bait: async ({ standIn }) => ({
      hints: { pid: standIn.pid },
      canary: "only the stand-in's own word counts",
      trace: async () => ((await standIn.signalled()) ? "the stand-in was signalled" : null),
    }),
    attack: `
attempt("kill", lambda: os.kill(hints["pid"], signal.SIGUSR1))
`,
  },

  "files of the host": {
    proof: "plain",
    bait: wordOf("file"),
    attack: `
name = os.path.basename(hints["file"])
ways = [hints["file"], "/proc/1/root" + hints["file"], "/proc/%s/root%s" % (hints["pid"], hints["file"]), "/proc/%s/cwd/%s" % (hints["pid"], name)]
ways += ["/proc/self/root/.." + hints["file"], "../" * 40 + hints["file"][1:]]
for way in ways: attempt(way, lambda: reached(open(way).read()))
`,
  },

  "another session's workspace": {
    proof: "plain",
    bait: othersWorkspace,
    attack: `
for top in hints["folders"]:
  for folder, folders, files in os.walk(top):
    if folder in ("/", "//"): folders[:] = [one for one in folders if one not in ("proc", "sys", "usr", "dev")]
    if hints["name"] in files: attempt(folder, lambda: reached(open(os.path.join(folder, hints["name"])).read()))
`,
  },

  "symlinks and hard links out of the workspace": {
    proof: "plain",
    bait: async ({ standIn }) => ({
      hints: { file: standIn.file },
      canary: standIn.words.file,
      trace: (sandbox) => linkTrace(standIn, sandbox),
    }),
    attack: `
for name in ("soft", "hard", "folder"):
  if os.path.lexists(os.path.join(workspace, name)): os.unlink(os.path.join(workspace, name))
attempt("symlink", lambda: os.symlink(hints["file"], os.path.join(workspace, "soft")))
attempt("symlink", lambda: os.symlink(os.path.dirname(hints["file"]), os.path.join(workspace, "folder")))
attempt("link", lambda: os.link(hints["file"], os.path.join(workspace, "hard")))
for name in ("soft", "hard", "folder/api-key"): attempt(name, lambda: saw("%s: %s" % (name, len(open(os.path.join(workspace, name)).read()))))
`,
  },

  "writing to files of the host": {
    proof: "plain",
    bait: async ({ standIn }) => {
      const file = join(standIn.folder, "written");
      return {
        hints: { file, pid: standIn.pid },
        canary: "only what is there outside counts",
        trace: async () => {
          const text = await readFile(file, "utf8").catch(() => null);
          return text === null ? null : `outside there is: ${text}`;
        },
      };
    },
    // Where nothing is isolated the bait stays written: the attack takes it away again, and begins with nothing.
    ground: async (scene, which) => {
      await rm(join(scene.standIn.folder, "written"), { force: true });
      return scene[which].shared();
    },
    attack: `
def write(path):
  with open(path, "w") as file: file.write("by the attacker")
for way in (hints["file"], "/proc/1/root" + hints["file"], "/proc/%s/root%s" % (hints["pid"], hints["file"])): attempt(way, lambda: write(way))
`,
  },
};
