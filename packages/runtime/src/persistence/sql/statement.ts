import type { Compilable, CompiledQuery } from "kysely";

/** A place in a compiled query that each execution fills: row `row`'s value of `column`. */
class Hole {
  readonly row: number;
  readonly column: string;
  constructor(row: number, column: string) {
    this.row = row;
    this.column = column;
  }
}

/** Most rows that one statement inserts. */
const MOST_ROWS = 64;

/** Most that several rows of one statement hold together, in characters and bytes: databases have a longest statement. */
const MOST_LENGTH = 1024 * 1024;

function rowOfHoles<V extends object>(columns: readonly (keyof V & string)[], row: number): V {
  return Object.fromEntries(columns.map((column) => [column, new Hole(row, column)])) as V;
}

function filled<R>(compiled: CompiledQuery<R>, rows: readonly object[]): CompiledQuery<R> {
  const parameters = compiled.parameters.map((parameter) =>
    parameter instanceof Hole ? (rows[parameter.row] as Record<string, unknown>)[parameter.column] : parameter,
  );
  return { ...compiled, parameters };
}

/**
 * A query that is built and compiled once, at its first use, and then only given values: building costs more than
 * executing. `build` gets an object whose fields stand for the values.
 */
export function statement<V extends object, R>(
  columns: readonly (keyof V & string)[],
  build: (values: V) => Compilable<R>,
): (values: V) => CompiledQuery<R> {
  let compiled: CompiledQuery<R> | undefined;
  return (values) => {
    compiled ??= build(rowOfHoles<V>(columns, 0)).compile();
    return filled(compiled, [values]);
  };
}

/** The same for many rows: as many statements as they need, each with at most 64, and with a megabyte or a single row. */
export function rowsStatement<V extends object, R>(
  columns: readonly (keyof V & string)[],
  build: (rows: V[]) => Compilable<R>,
): (rows: readonly V[]) => CompiledQuery<R>[] {
  const bySize = new Map<number, CompiledQuery<R>>();
  const sized = (rows: readonly V[]): CompiledQuery<R> => {
    const compiled = bySize.get(rows.length) ?? build(rows.map((_, row) => rowOfHoles<V>(columns, row))).compile();
    bySize.set(rows.length, compiled);
    return filled(compiled, rows);
  };
  return (rows) => {
    const queries: CompiledQuery<R>[] = [];
    for (let from = 0; from < rows.length;) {
      const to = endOf(rows, from);
      queries.push(sized(rows.slice(from, to)));
      from = to;
    }
    return queries;
  };
}

/** Up to where rows go into one statement: at least one. */
function endOf(rows: readonly object[], from: number): number {
  let to = from;
  let length = 0;
  while (to < rows.length && to - from < MOST_ROWS) {
    length += lengthOf(rows[to] ?? {});
    if (to > from && length > MOST_LENGTH) break;
    to += 1;
  }
  return to;
}

function lengthOf(row: object): number {
  let length = 0;
  for (const value of Object.values(row)) {
    if (typeof value === "string" || value instanceof Uint8Array) length += value.length;
  }
  return length;
}
