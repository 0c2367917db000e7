import { assemble } from "./bpf.ts";
import type { Line } from "./bpf.ts";
import { CHECKED, REFUSED } from "./syscalls.ts";
import type { FilteredArch } from "./syscalls.ts";

/** What a filter answers (`linux/seccomp.h`), and errors (`asm-generic/errno.h`). */
export const ANSWERS = { allow: 0x7fff_0000, kill: 0x8000_0000, error: 0x0005_0000 } as const;
export const ERRORS = { EPERM: 1, ENOSYS: 38, EPROTONOSUPPORT: 93, EAFNOSUPPORT: 97 } as const;
/** `AUDIT_ARCH_X86_64` and `AUDIT_ARCH_AARCH64`. */
export const ARCHITECTURES: Readonly<Record<FilteredArch, number>> = { x64: 0xc000_003e, arm64: 0xc000_00b7 };
/** System calls of x32 have the numbers of x64 and this bit. */
const X32_BIT = 0x4000_0000;

/** Places in `struct seccomp_data`; of an argument the lower half, which is all that the kernel takes of an `int`. */
const AT = { number: 0, arch: 4, argument: (index: number): number => 16 + 8 * index } as const;

/** `CLONE_NEWNS`, `…CGROUP`, `…UTS`, `…IPC`, `…USER`, `…PID`, `…NET`. */
const NEW_NAMESPACES = 0x7e02_0000;
const AF = { unix: 1, inet: 2, inet6: 10, netlink: 16 } as const;
const SOCK = { stream: 1, dgram: 2, kind: 0xf } as const;
/** IP's own choice, ICMP, TCP, UDP, ICMPv6, MPTCP: no protocol whose module would be loaded for it. */
const IP_PROTOCOLS = [0, 1, 6, 17, 58, 262];
/** Routes and sockets of the sandbox's own network, as `getifaddrs` and `ss` ask for them. */
const NETLINK_PROTOCOLS = [0, 4];
/** Linux, without and with its 32-bit name; a 32-bit name for 64-bit programs; the question for it. */
const PERSONALITIES = [0x0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];
/** `TIOCSTI` and `TIOCLINUX` type into a terminal. */
const TYPING = [0x5412, 0x541c];

const allow: Line = { answer: ANSWERS.allow };
const refuse = (error: keyof typeof ERRORS): Line => ({ answer: ANSWERS.error | ERRORS[error] });

/** Processors that there is a filter for. */
export function isFiltered(arch: string): arch is FilteredArch {
  return arch in ARCHITECTURES;
}

/**
 * The filter of system calls for programs in a sandbox. A refused call answers an error that says so (`EPERM`), or
 * one with which libraries take another way; a program for another processor (32-bit ones too) is ended.
 */
export function seccompFilter(arch: FilteredArch): Buffer {
  const refused = Object.values(REFUSED).flatMap((numbers) => numbers[arch] ?? []);
  return assemble([
    ...rightArchitecture(arch),
    ...refused.flatMap((number, index) => block(number, `refused-${index}`, [refuse("EPERM")])),
    ...checks(arch),
    allow,
  ]);
}

function rightArchitecture(arch: FilteredArch): Line[] {
  return [
    { load: AT.arch },
    { if: "equal", value: ARCHITECTURES[arch], yes: "right" },
    { answer: ANSWERS.kill },
    { label: "right" },
    { load: AT.number },
    ...(arch === "x64" ? x32() : []),
  ];
}

function x32(): Line[] {
  return [{ if: "any-bit", value: X32_BIT, no: "not-x32" }, refuse("ENOSYS"), { label: "not-x32" }];
}

/** Lines for one system call; they end in an answer. */
function block(number: number, name: string, lines: readonly Line[]): Line[] {
  return [{ if: "equal", value: number, no: `after-${name}` }, ...lines, { label: `after-${name}` }];
}

function checks(arch: FilteredArch): Line[] {
  const lines: Readonly<Record<keyof typeof CHECKED, readonly Line[]>> = {
    clone: clone(),
    // Its flags lie in memory, where a filter cannot look; libraries then use clone.
    clone3: [refuse("ENOSYS")],
    socket: socket(),
    socketpair: onlyThese(0, [AF.unix], "EAFNOSUPPORT"),
    personality: onlyThese(0, PERSONALITIES, "EPERM"),
    ioctl: ioctl(),
  };
  return Object.entries(lines).flatMap(([name, own]) => {
    const number = CHECKED[name as keyof typeof CHECKED][arch];
    return number === undefined ? [] : block(number, name, own);
  });
}

function clone(): Line[] {
  return [
    { load: AT.argument(0) },
    { if: "any-bit", value: NEW_NAMESPACES, yes: "new-namespace" },
    allow,
    { label: "new-namespace" },
    refuse("EPERM"),
  ];
}

function ioctl(): Line[] {
  return [
    { load: AT.argument(1) },
    ...TYPING.map((value): Line => ({ if: "equal", value, yes: "typing" })),
    allow,
    { label: "typing" },
    refuse("EPERM"),
  ];
}

function onlyThese(argument: number, values: readonly number[], error: keyof typeof ERRORS): Line[] {
  const name = `fine-${argument}-${values.join("-")}`;
  return [
    { load: AT.argument(argument) },
    ...values.map((value): Line => ({ if: "equal", value, yes: name })),
    refuse(error),
    { label: name },
    allow,
  ];
}

/** Unix sockets; TCP and UDP; netlink for the sandbox's own network. Nothing raw, nothing to other machinery. */
function socket(): Line[] {
  return [
    { load: AT.argument(0) },
    { if: "equal", value: AF.unix, yes: "unix" },
    { if: "equal", value: AF.netlink, yes: "netlink" },
    { if: "equal", value: AF.inet, yes: "ip" },
    { if: "equal", value: AF.inet6, yes: "ip" },
    refuse("EAFNOSUPPORT"),
    { label: "unix" },
    allow,
    { label: "netlink" },
    ...onlyThese(2, NETLINK_PROTOCOLS, "EPROTONOSUPPORT"),
    { label: "ip" },
    { load: AT.argument(1) },
    { and: SOCK.kind },
    { if: "equal", value: SOCK.stream, yes: "ip-protocol" },
    { if: "equal", value: SOCK.dgram, yes: "ip-protocol" },
    refuse("EPERM"),
    { label: "ip-protocol" },
    ...onlyThese(2, IP_PROTOCOLS, "EPROTONOSUPPORT"),
  ];
}
