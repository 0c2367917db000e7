/** Looks for words in environments, arguments and memory of processes, and in files; what it finds is a line each. */
const SCAN = `
import os, sys
words = {a + b: (a + b).encode() for a, b in (pair.split("|") for pair in sys.argv[3].split())}
chosen = sys.argv[1].split()
pids = [pid for pid in (chosen or os.listdir("/proc")) if pid.isdigit() and int(pid) != os.getpid()]
folders = sys.argv[2].split()
def note(place, data):
  for word, text in words.items():
    if text in data: print("found %s...%s in %s" % (word[:4], word[-2:], place))
def name(pid):
  try: return open("/proc/%s/comm" % pid).read().strip()
  except OSError: return "?"
def read(path):
  with open(path, "rb") as file: return file.read()
def present(pid, begin, end):
  """Runs of pages that are there: harnesses reserve far more than they use."""
  with open("/proc/%s/pagemap" % pid, "rb", 0) as pagemap:
    for first in range(begin // 4096, end // 4096, 1 << 16):
      entries = os.pread(pagemap.fileno(), 8 * min(1 << 16, end // 4096 - first), first * 8)
      if entries.count(0) == len(entries): continue
      start = None
      flags = entries[7::8] + b"\\0"
      for index, flag in enumerate(flags):
        there = flag & 0xC0 != 0
        if there and start is None: start = index
        if not there and start is not None:
          yield (first + start) * 4096, (index - start) * 4096
          start = None
for variable, value in os.environb.items(): note("own environment", variable + value)
for pid in pids:
  for kind in ("environ", "cmdline"):
    try: note("%s of %s" % (kind, name(pid)), read("/proc/%s/%s" % (pid, kind)))
    except FileNotFoundError: pass
    except OSError as error: print("closed: %s of %s %s" % (kind, pid, name(pid)))
  try:
    total = 0
    with open("/proc/%s/maps" % pid) as maps, open("/proc/%s/mem" % pid, "rb", 0) as memory:
      for line in maps:
        span, rights, _, _, inode = line.split()[:5]
        begin, end = (int(part, 16) for part in span.split("-"))
        # What is a file's and cannot be changed is looked at as a file.
        if "r" not in rights or "[v" in line or ("w" not in rights and inode != "0"): continue
        for at, length in present(pid, begin, end):
          try: data = os.pread(memory.fileno(), length, at)
          except (OSError, OverflowError): continue
          total += len(data)
          note("memory of " + name(pid), data)
    if total > 0: print("read: memory of %s" % name(pid))
  except FileNotFoundError: pass
  except OSError: print("closed: memory of %s %s" % (pid, name(pid)))
for folder in folders:
  for where, inner, files in os.walk(folder):
    if where == "/": inner[:] = [one for one in inner if one not in ("proc", "sys", "usr", "dev", "lib", "lib64", "bin", "sbin")]
    for file in files:
      path = os.path.join(where, file)
      try:
        if os.path.isfile(path) and not os.path.islink(path) and os.path.getsize(path) < 1 << 27: note("file " + path, read(path))
      except OSError: pass
print("end of the scan")
`;

export interface CanaryScan {
  readonly words: readonly string[];
  /** All that are there, where it is empty. */
  readonly pids: readonly number[];
  readonly folders: readonly string[];
}

/** A shell command that looks for words and has none of them whole, so that it does not find itself. */
export function canaryScan({ words, pids, folders }: CanaryScan): string {
  const halves = words.map((word) => `${word.slice(0, 8)}|${word.slice(8)}`).join(" ");
  const text = Buffer.from(SCAN).toString("base64");
  return `/usr/bin/python3 -c "$(echo ${text} | base64 -d)" '${pids.join(" ")}' '${folders.join(" ")}' '${halves}' 2>&1`;
}

/** A shell command that hides a word in an environment, an argument, memory and a file, whole only there. */
export function plantWord(word: string): string {
  const [a, b] = [word.slice(0, 8), word.slice(8)];
  const hold = `import sys, time; word = sys.argv[1] + sys.argv[2]; print(len(word), flush=True); time.sleep(300)`;
  return `W="${a}""${b}"; printf %s "$W" > /tmp/planted-word; PLANTED="$W" sleep 300 > /dev/null 2>&1 & /usr/bin/python3 -c '${hold}' ${a} ${b} > /tmp/planted-length 2>&1 & while ! [ -s /tmp/planted-length ]; do sleep 0.1; done; echo planted`;
}
