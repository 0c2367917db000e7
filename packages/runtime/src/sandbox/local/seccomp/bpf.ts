/**
 * A line of a classic BPF program, as Linux' seccomp runs it: on one accumulator, forwards only.
 * `if` goes on with the next line where it names no label.
 */
export type Line =
  | { readonly load: number }
  | { readonly and: number }
  | { readonly if: "equal" | "any-bit"; readonly value: number; readonly yes?: string; readonly no?: string }
  | { readonly answer: number }
  | { readonly label: string };

/** Codes of `linux/filter.h`: class, size or operation, and mode in one number. */
const CODES = { load: 0x20, and: 0x54, equal: 0x15, "any-bit": 0x45, answer: 0x06 } as const;
const INSTRUCTION_BYTES = 8;
const FARTHEST_JUMP = 255;

/** The program as the kernel takes it (`struct sock_filter[]`), for machines whose low byte comes first. */
export function assemble(lines: readonly Line[]): Buffer {
  const places = new Map<string, number>();
  const instructions: Exclude<Line, { readonly label: string }>[] = [];
  for (const line of lines) {
    if ("label" in line) places.set(line.label, instructions.length);
    else instructions.push(line);
  }
  const program = Buffer.alloc(instructions.length * INSTRUCTION_BYTES);
  for (const [at, line] of instructions.entries()) {
    const distance = (label: string | undefined): number => (label === undefined ? 0 : jump(places, label, at));
    const [code, value, yes, no] = encode(line, distance);
    program.writeUInt16LE(code, at * INSTRUCTION_BYTES);
    program.writeUInt8(yes, at * INSTRUCTION_BYTES + 2);
    program.writeUInt8(no, at * INSTRUCTION_BYTES + 3);
    program.writeUInt32LE(value >>> 0, at * INSTRUCTION_BYTES + 4);
  }
  return program;
}

type Fields = readonly [code: number, value: number, yes: number, no: number];

function encode(
  line: Exclude<Line, { readonly label: string }>,
  distance: (label: string | undefined) => number,
): Fields {
  if ("load" in line) return [CODES.load, line.load, 0, 0];
  if ("and" in line) return [CODES.and, line.and, 0, 0];
  if ("answer" in line) return [CODES.answer, line.answer, 0, 0];
  return [CODES[line.if], line.value, distance(line.yes), distance(line.no)];
}

function jump(places: ReadonlyMap<string, number>, label: string, from: number): number {
  const distance = (places.get(label) ?? -1) - from - 1;
  if (distance < 0 || distance > FARTHEST_JUMP) throw new Error(`A BPF program cannot jump to ${label} from ${from}`);
  return distance;
}
