import { RuntimeError } from "./errors.ts";
import { MAX_LINE_BYTES } from "./wire.ts";

/** Every platform has it; this package is typed without any platform. */
declare const TextDecoder: new (
  label: "utf-8",
  options: { fatal: boolean; ignoreBOM: boolean },
) => {
  decode(bytes: Uint8Array): string;
};

const NEWLINE = 0x0a;

export interface LineSplitter {
  /**
   * The lines that `chunk` completes, without their ends; empty ones are left out.
   * Throws `protocol_error` for a line that is too long or no UTF-8. Afterwards the stream is of no use: close it.
   */
  push(chunk: Uint8Array): string[];
  /** Bytes of the line that is not complete yet. */
  readonly pending: number;
}

/** Cuts a byte stream into lines. Works on bytes, so a character that two chunks share stays whole. */
export function createLineSplitter(options: { maxBytes?: number } = {}): LineSplitter {
  const maxBytes = options.maxBytes ?? MAX_LINE_BYTES;
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let parts: Uint8Array[] = [];
  let pending = 0;

  function keep(bytes: Uint8Array): void {
    pending += bytes.length;
    if (pending > maxBytes) throw new RuntimeError("protocol_error", `A line is longer than ${maxBytes} bytes.`);
    // A copy: the caller may use the chunk's memory again (and `slice` of a Node Buffer is none).
    if (bytes.length > 0) parts.push(new Uint8Array(bytes));
  }

  function line(end: Uint8Array): string {
    const length = pending + end.length;
    if (length > maxBytes) throw new RuntimeError("protocol_error", `A line is longer than ${maxBytes} bytes.`);
    const whole = pending === 0 ? end : joined([...parts, end], length);
    parts = [];
    pending = 0;
    try {
      return decoder.decode(whole);
    } catch (error) {
      throw new RuntimeError("protocol_error", "A line is not valid UTF-8.", { cause: error });
    }
  }

  return {
    push(chunk) {
      const lines: string[] = [];
      let from = 0;
      for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
        const text = line(chunk.subarray(from, at));
        if (text !== "") lines.push(text);
        from = at + 1;
      }
      keep(chunk.subarray(from));
      return lines;
    },
    get pending() {
      return pending;
    },
  };
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** One frame as a line. JSON never holds a raw newline, and lone surrogates are escaped. */
export function encodeLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
