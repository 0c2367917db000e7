import { describe, expect, test } from "vitest";
import { assemble } from "./bpf.ts";
import { ANSWERS, ARCHITECTURES, ERRORS, isFiltered, seccompFilter } from "./filter.ts";
import { CHECKED, REFUSED } from "./syscalls.ts";
import type { FilteredArch } from "./syscalls.ts";

/** Runs a filter as the kernel does, on one system call. */
function decide(filter: Buffer, call: { arch: number; number: number; args?: readonly number[] }): string {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call.number >>> 0, 0);
  data.writeUInt32LE(call.arch >>> 0, 4);
  for (const [index, value] of (call.args ?? []).entries()) data.writeUInt32LE(value >>> 0, 16 + 8 * index);
  let accumulator = 0;
  for (let at = 0; ; at += 1) {
    const [code, then, otherwise, value] = [
      filter.readUInt16LE(at * 8),
      filter.readUInt8(at * 8 + 2),
      filter.readUInt8(at * 8 + 3),
      filter.readUInt32LE(at * 8 + 4),
    ];
    if (code === 0x20) accumulator = data.readUInt32LE(value);
    else if (code === 0x54) accumulator = (accumulator & value) >>> 0;
    else if (code === 0x15) at += accumulator === value ? then : otherwise;
    else if (code === 0x45) at += (accumulator & value) !== 0 ? then : otherwise;
    else if (code === 0x06) return named(value);
    else throw new Error(`unknown instruction ${code}`);
  }
}

function named(answer: number): string {
  if (answer === ANSWERS.allow) return "allow";
  if (answer === ANSWERS.kill) return "kill";
  const error = Object.entries(ERRORS).find(([, number]) => (ANSWERS.error | number) === answer);
  if (error === undefined) throw new Error(`unknown answer ${answer}`);
  return error[0];
}

describe.each(["x64", "arm64"] as const)("%s", (arch) => {
  const filter = seccompFilter(arch);
  const ask = (number: number | undefined, args?: readonly number[]): string => {
    if (number === undefined) throw new Error("no such call here");
    return decide(filter, { arch: ARCHITECTURES[arch], number, ...(args === undefined ? {} : { args }) });
  };

  test("every refused call answers EPERM", () => {
    for (const [name, numbers] of Object.entries(REFUSED)) {
      const number = (numbers as Partial<Record<FilteredArch, number>>)[arch];
      if (number !== undefined) expect(ask(number), name).toBe("EPERM");
    }
  });

  test("all other calls are allowed", () => {
    const special = [...Object.values(REFUSED), ...Object.values(CHECKED)].map((numbers) => numbers[arch]);
    for (let number = 0; number < 512; number += 1) {
      if (!special.includes(number)) expect(ask(number), String(number)).toBe("allow");
    }
  });

  test("processes and threads, but no namespaces; clone3 as if the kernel had none", () => {
    const THREAD = 0x003d_0f00;
    expect(ask(CHECKED.clone[arch], [THREAD])).toBe("allow");
    expect(ask(CHECKED.clone[arch], [17])).toBe("allow");
    for (const flag of [0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000]) {
      expect(ask(CHECKED.clone[arch], [17 | flag]), flag.toString(16)).toBe("EPERM");
    }
    expect(ask(CHECKED.clone3[arch])).toBe("ENOSYS");
  });

  test("sockets: unix, TCP, UDP and two kinds of netlink, nothing raw, nothing else", () => {
    const socket = (...args: number[]): string => ask(CHECKED.socket[arch], args);
    const CLOEXEC = 0o2000000;
    expect([socket(1, 1, 0), socket(1, 5, 0), socket(2, 1 | CLOEXEC, 6), socket(10, 2 | CLOEXEC, 17)]).toEqual(
      Array(4).fill("allow"),
    );
    expect([socket(16, 3, 0), socket(16, 3 | CLOEXEC, 4), socket(2, 1, 262), socket(2, 2, 1)]).toEqual(
      Array(4).fill("allow"),
    );
    expect([socket(2, 3, 1), socket(10, 3 | CLOEXEC, 58), socket(2, 3, 255), socket(2, 10, 3)]).toEqual(
      Array(4).fill("EPERM"),
    );
    // SCTP, DCCP; netfilter and audit by netlink.
    expect([socket(2, 1, 132), socket(2, 2, 33), socket(16, 3, 12), socket(16, 3, 9)]).toEqual(
      Array(4).fill("EPROTONOSUPPORT"),
    );
    // Packet, virtual machine, crypto, XDP, Bluetooth, CAN, TIPC, none.
    for (const family of [17, 40, 38, 44, 31, 29, 30, 0]) expect(socket(family, 3, 0)).toBe("EAFNOSUPPORT");
    expect(ask(CHECKED.socketpair[arch], [1, 1, 0])).toBe("allow");
    expect(ask(CHECKED.socketpair[arch], [30, 1, 0])).toBe("EAFNOSUPPORT");
  });

  test("personalities that change how memory is laid out, and typing into a terminal, are refused", () => {
    expect(ask(CHECKED.personality[arch], [0xffff_ffff])).toBe("allow");
    expect(ask(CHECKED.personality[arch], [0])).toBe("allow");
    // READ_IMPLIES_EXEC, MMAP_PAGE_ZERO, ADDR_NO_RANDOMIZE.
    for (const value of [0x40_0000, 0x10_0000, 0x4_0000]) {
      expect(ask(CHECKED.personality[arch], [value])).toBe("EPERM");
    }
    expect(ask(CHECKED.ioctl[arch], [0, 0x5412])).toBe("EPERM");
    expect(ask(CHECKED.ioctl[arch], [0, 0x541c])).toBe("EPERM");
    expect(ask(CHECKED.ioctl[arch], [0, 0x5401])).toBe("allow");
  });

  test("programs for other processors are ended", () => {
    const I386 = 0x4000_0003;
    const ARM = 0x4000_0028;
    const other = ARCHITECTURES[arch === "x64" ? "arm64" : "x64"];
    for (const wrong of [I386, ARM, other]) expect(decide(filter, { arch: wrong, number: 1 })).toBe("kill");
  });
});

test("x32's numbers are refused on x64", () => {
  for (const number of [0, 59, 321]) {
    const call = { arch: ARCHITECTURES.x64, number: 0x4000_0000 | number };
    expect(decide(seccompFilter("x64"), call)).toBe("ENOSYS");
  }
});

test("a label that is not there, or lies behind, is an error", () => {
  expect(() => assemble([{ if: "equal", value: 1, yes: "nowhere" }])).toThrow("nowhere");
  expect(() => assemble([{ label: "back" }, { if: "equal", value: 1, yes: "back" }])).toThrow("back");
  expect([isFiltered("x64"), isFiltered("arm64"), isFiltered("riscv64")]).toEqual([true, true, false]);
});
