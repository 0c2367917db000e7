import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { listenInside } from "../../testing/inside.ts";
import type { Inside } from "../../testing/inside.ts";
import { localScene } from "../testing/scene.ts";
import { CHECKED, REFUSED } from "./syscalls.ts";
import { isFiltered } from "./filter.ts";
import type { FilteredArch } from "./syscalls.ts";

const { create, end } = localScene();
const arch = process.arch as FilteredArch;
let inside: Inside;

beforeAll(async () => {
  expect(isFiltered(process.arch)).toBe(true);
  inside = await listenInside(await create("filtered"));
});
afterAll(end);

/** Calls the kernel by numbers, as any program can: `name=errno`, 0 where the call succeeded. Perl is in every Debian. */
function perl(calls: readonly (readonly [name: string, ...numbers: (number | string)[]])[]): string {
  return calls
    .map(
      ([name, ...numbers]) =>
        `$! = 0; my $r = syscall(${numbers.join(", ")}); print "${name}=", $r < 0 ? $!+0 : 0, " ";`,
    )
    .join(" ")
    .replaceAll("my $r", "$r");
}

const EPERM = 1;
const ENOSYS = 38;

test("a filter is in force for every process inside", async () => {
  const states = await inside.shell("grep -h Seccomp: /proc/[0-9]*/status | sort -u");
  expect(states).toBe("Seccomp:\t2\n");
});

test("refused calls: each answers EPERM inside, and something else outside", async () => {
  const calls = Object.entries(REFUSED).flatMap(([name, numbers]) => {
    const number = numbers[arch];
    return number === undefined ? [] : [[name, number, -1, -1, -1, -1, -1] as const];
  });
  const expected = calls.map(([name]) => `${name}=${EPERM} `).join("");
  expect(await inside.shell(`perl -e '${perl(calls)}'`)).toBe(expected);
  // The same programs out here: what is told above is the filter's word, and not the kernel's to anybody.
  const harmless = calls.filter(([name]) => ["io_uring_setup", "keyctl", "kcmp", "userfaultfd"].includes(name));
  expect(execFileSync("perl", ["-e", perl(harmless)], { encoding: "utf8" })).toMatch(/=(?!1 )\d+ /);
});

test("namespaces by clone, and clone3", async () => {
  const NEWUSER = 0x1000_0000;
  const calls = [
    ["clone", CHECKED.clone[arch] ?? -1, NEWUSER | 17, 0, 0, 0, 0],
    ["clone3", CHECKED.clone3[arch] ?? -1, 0, 0],
  ] as const;
  expect(await inside.shell(`perl -e '${perl(calls)}'`)).toBe(`clone=${EPERM} clone3=${ENOSYS} `);
});

test("raw sockets, packets, virtual machines and netfilter; also where the kernel would allow them", async () => {
  const socket = CHECKED.socket[arch] ?? -1;
  const calls = [
    ["icmp", socket, 2, 3, 1],
    ["tcp6", socket, 10, 3, 6],
    ["packet", socket, 17, 3, 0x300],
    ["packet2", socket, 17, 2, 0x300],
    ["vsock", socket, 40, 1, 0],
    ["alg", socket, 38, 5, 0],
    ["bluetooth", socket, 31, 3, 1],
    ["netfilter", socket, 16, 3, 12],
    ["sctp", socket, 2, 1, 132],
    ["tcp", socket, 2, 1, 0],
    ["udp", socket, 2, 2, 0],
    ["unix", socket, 1, 1, 0],
    ["route", socket, 16, 3, 0],
  ] as const;
  expect(await inside.shell(`perl -e '${perl(calls)}'`)).toBe(
    "icmp=1 tcp6=1 packet=97 packet2=97 vsock=97 alg=97 bluetooth=97 netfilter=93 sctp=93 tcp=0 udp=0 unix=0 route=0 ",
  );
});

test.runIf(process.arch === "x64")("32-bit programs: x32's calls are not there, i386's end the program", async () => {
  expect(await inside.shell(`perl -e '${perl([["x32-getpid", 0x4000_0000 | 39]])}'`)).toBe(`x32-getpid=${ENOSYS} `);
  // A static i386 program of our own: getpid by `int 0x80`, then exit with 7.
  const code = Buffer.from("b814000000cd80bb07000000b801000000cd80", "hex");
  const elf = Buffer.alloc(84);
  Buffer.from("7f454c46010101", "hex").copy(elf);
  elf.writeUInt16LE(2, 16);
  elf.writeUInt16LE(3, 18);
  elf.writeUInt32LE(1, 20);
  elf.writeUInt32LE(0x0804_8054, 24);
  elf.writeUInt32LE(52, 28);
  elf.writeUInt16LE(52, 40);
  elf.writeUInt16LE(32, 42);
  elf.writeUInt16LE(1, 44);
  for (const [index, value] of [
    1,
    0,
    0x0804_8000,
    0x0804_8000,
    84 + code.length,
    84 + code.length,
    5,
    4096,
  ].entries()) {
    elf.writeUInt32LE(value, 52 + 4 * index);
  }
  const program = Buffer.concat([elf, code]).toString("base64");
  const said = await inside.shell(`echo ${program} | base64 -d > /tmp/old && chmod +x /tmp/old && /tmp/old; echo $?`);
  // 159: by SIGSYS; 126: this kernel runs no 32-bit programs at all.
  expect(said).toMatch(/(159|126)\n$/);
});

test("ordinary programs run: threads, children, sockets of their own, git, python", async () => {
  expect(
    await inside.run(`const { Worker } = await load("node:worker_threads");
      return new Promise((resolve) => new Worker("require('worker_threads').parentPort.postMessage(2)", { eval: true }).on("message", resolve))`),
  ).toBe(2);
  const there = (program: string): boolean => {
    try {
      execFileSync(program, ["--version"], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  };
  if (there("git"))
    expect(
      await inside.shell("git init -q /workspace/repo && git -C /workspace/repo status -s && echo fine"),
    ).toContain("fine");
  if (there("python3")) {
    const python =
      "import threading,subprocess,ssl,socket; socket.socketpair(); print(subprocess.check_output(['echo','fine']).decode())";
    expect(await inside.shell(`python3 -c "${python}"`)).toContain("fine");
  }
});
