/** The newest lines, in memory up to a bound, so that a connected server costs no reading. */
export interface Tail {
  push(n: number, line: Buffer): void;
  /** Lines after `after`, joined up to about `maxBytes`; null when the tail does not reach back that far. */
  read(after: number, maxBytes: number): { data: Buffer; last: number } | null;
  /** Forgets what is numbered up to `n`. */
  drop(n: number): void;
}

export function createTail(maxBytes: number): Tail {
  let lines: { n: number; line: Buffer }[] = [];
  let start = 0;
  let bytes = 0;

  function forgetFirst(): void {
    const first = lines[start];
    if (first === undefined) return;
    bytes -= first.line.length;
    start++;
    // Shifting an array for each entry would cost its length.
    if (start > 1_000 && start * 2 > lines.length) {
      lines = lines.slice(start);
      start = 0;
    }
  }

  return {
    push(n, line) {
      lines.push({ n, line });
      bytes += line.length;
      while (bytes > maxBytes && start < lines.length - 1) forgetFirst();
    },
    read(after, limit) {
      const first = lines[start];
      if (first === undefined || first.n > after + 1) return null;
      const taken: Buffer[] = [];
      let size = 0;
      let last = after;
      for (let at = start + (after + 1 - first.n); at < lines.length; at++) {
        const item = lines[at];
        if (item === undefined || (size > 0 && size + item.line.length > limit)) break;
        taken.push(item.line);
        size += item.line.length;
        last = item.n;
      }
      return { data: Buffer.concat(taken, size), last };
    },
    drop(n) {
      for (let first = lines[start]; first !== undefined && first.n <= n; first = lines[start]) {
        forgetFirst();
      }
      if (start === lines.length) {
        lines = [];
        start = 0;
      }
    },
  };
}
