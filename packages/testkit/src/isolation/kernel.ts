import { runInside } from "../sandbox-contract/inside.ts";
import type { ContractSandbox } from "../sandbox-contract/provider.ts";
import type { IsolationProbe } from "./probe.ts";
import { BOUNDS } from "./scene.ts";
import type { IsolationScene } from "./scene.ts";

const nothing = async (): Promise<{ hints: Record<string, never> }> => ({ hints: {} });
const bounded = (scene: IsolationScene, which: "suspect" | "open"): Promise<ContractSandbox> =>
  scene.createBounded(which);

/** The shared sandbox works while and after another one was bombed. */
async function neighbourUnhurt(scene: IsolationScene): Promise<void> {
  const { out } = await runInside(await scene.suspect.shared(), ["/bin/sh", "-c", "echo unhurt | cat"]);
  if (out !== "unhurt\n") throw new Error("a neighbour was hurt");
}

/** What a sandbox must not get from the kernel. */
export const kernelProbes: Readonly<Record<string, IsolationProbe>> = {
  "devices of the host": {
    proof: "root",
    bait: nothing,
    attack: `
for name in ("mem", "port", "kmsg", "sda", "vda", "nvme0n1", "loop0", "loop-control", "kvm", "fuse", "net/tun", "vsock", "vhost-vsock", "mapper/control"):
  attempt(name, lambda: (os.close(os.open("/dev/" + name, os.O_RDONLY | os.O_NONBLOCK)), reached("opens /dev/" + name)))
`,
  },

  "making devices": {
    proof: "root",
    bait: nothing,
    attack: `
import stat
path = os.path.join(workspace, "device")
for name, mode, major, minor in (("memory", stat.S_IFCHR, 1, 1), ("a disk", stat.S_IFBLK, 7, 0), ("kmsg", stat.S_IFCHR, 1, 11)):
  def make():
    os.mknod(path, mode | 0o600, os.makedev(major, minor))
    os.unlink(path)
    reached("made " + name)
  attempt(name, make)
`,
  },

  "settings of the kernel": {
    proof: "root",
    bait: nothing,
    // Opened, and nothing written: where nothing is isolated these are the machine's own.
    attack: `
for name in ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/vm/drop_caches", "/proc/sysrq-trigger", "/sys/kernel/uevent_helper", "/sys/power/state", "/proc/kcore", "/sys/fs/cgroup/cgroup.procs", "/proc/sys/fs/binfmt_misc/register"):
  attempt(name, lambda: (os.close(os.open(name, os.O_RDONLY if name == "/proc/kcore" else os.O_WRONLY)), reached("opens " + name)))
`,
  },

  "more rights by setuid programs": {
    proof: "stranger",
    bait: nothing,
    attack: `
import subprocess, time
before = os.geteuid()
def rights(pid):
  # The kernel gives the new rights a moment after the program counts as started.
  for _ in range(40):
    ids = re.search(r"^Uid:\\s+(\\d+)\\s+(\\d+)", open("/proc/%d/status" % pid).read(), re.M)
    if ids and int(ids[2]) != before: break
    time.sleep(0.005)
  return ids
for name in ("/usr/bin/su", "/bin/su", "/usr/bin/passwd", "/usr/bin/gpasswd", "/usr/bin/newgrp"):
  if not os.path.exists(name): continue
  def start():
    child = subprocess.Popen([name], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
      ids = rights(child.pid)
      if ids and int(ids[2]) != before: reached("%s runs as %s" % (name, ids[2]))
      else: saw("%s runs as %s" % (name, ids and ids[2]))
    finally:
      try: child.kill()
      except PermissionError: child.stdin.close()
      child.wait()
  attempt(name, start)
attempt("setuid", lambda: (os.setuid(0), reached("is root")) if before != 0 else saw("is 0 already"))
`,
  },

  "new namespaces": {
    proof: "plain",
    bait: nothing,
    attack: `
CLONE_NEWUSER = 0x10000000
attempt("unshare", lambda: (call("unshare", 272 if x64 else 97, CLONE_NEWUSER), reached("a user namespace of its own")))
`,
  },

  "namespaces of other processes": {
    proof: "root",
    bait: async ({ standIn }) => ({ hints: { pid: standIn.pid } }),
    attack: `
for kind in ("net", "mnt", "uts"):
  for pid in (1, hints["pid"]):
    attempt("%s of %s" % (kind, pid), lambda: (call("setns", 308 if x64 else 268, os.open("/proc/%s/ns/%s" % (pid, kind), os.O_RDONLY), 0), reached("enters %s of %s" % (kind, pid))))
`,
  },

  mounting: {
    proof: "namespaces",
    bait: nothing,
    attack: `
libc.mount.argtypes = [ctypes.c_char_p] * 3 + [ctypes.c_ulong, ctypes.c_char_p]
def mount(kind, target, flags):
  ctypes.set_errno(0)
  if libc.mount(b"none", target.encode(), kind, flags, None) != 0: raise OSError(ctypes.get_errno(), "mount")
  reached("mounts at " + target)
attempt("tmpfs", lambda: mount(b"tmpfs", workspace, 0))
attempt("proc", lambda: mount(b"proc", workspace, 0))
attempt("root writable", lambda: mount(None, "/", 32))
attempt("fsopen", lambda: (call("fsopen", 430, b"tmpfs", 0), reached("opens a file system")))
`,
  },

  keyrings: {
    proof: "plain",
    bait: nothing,
    attack: `
attempt("add_key", lambda: (call("add_key", 248 if x64 else 217, b"user", b"isolation-bait", b"x", 1, -3), reached("puts a key into the kernel's keyring")))
`,
  },

  "sockets to the hypervisor": {
    proof: "plain",
    bait: nothing,
    attack: `
attempt("vsock", lambda: (socket.socket(40, socket.SOCK_STREAM).close(), reached("a socket to the hypervisor")))
`,
  },

  "a fork bomb": {
    proof: "plain",
    bait: nothing,
    ground: bounded,
    mayDie: true,
    attack: `
children = []
try:
  while len(children) < ${BOUNDS.processes * 2}:
    pid = os.fork()
    if pid == 0:
      signal.pause()
      os._exit(0)
    children.append(pid)
  reached("%d processes" % len(children))
except OSError as error: saw("after %d: %s" % (len(children), errno.errorcode[error.errno]))
finally:
  for pid in children: os.kill(pid, signal.SIGKILL)
  for pid in children: os.waitpid(pid, 0)
`,
    afterwards: neighbourUnhurt,
  },

  "a memory bomb": {
    proof: "plain",
    // Held for a while: where the kernel counts no memory, the server looks, and not at once on a busy machine.
    bait: async () => ({ hints: { seconds: 40 }, proofHints: { seconds: 0 } }),
    ground: bounded,
    mayDie: true,
    attack: `
held = []
for part in range(8):
  held.append(bytearray(os.urandom(1 << 20) * ${(BOUNDS.memoryBytes / 4) >> 20}))
time.sleep(hints["seconds"])
reached("holds %d MiB" % (sum(map(len, held)) >> 20))
`,
    afterwards: neighbourUnhurt,
  },
};
