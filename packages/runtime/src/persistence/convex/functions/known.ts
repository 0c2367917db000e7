import { Budget } from "./logs.ts";

/** Fewer names are looked up one by one. */
const FEW = 20;

/**
 * Finds rows by their names. Many names are looked up by reading the range in which they lie, once, as long as it has
 * not many others; `undefined`: it was not read so far, the row has to be looked up by itself.
 */
export async function rowsByName<R extends Record<string, unknown>>(
  names: readonly string[],
  range: (first: string, last: string) => AsyncIterable<R>,
  nameOf: (row: R) => string,
): Promise<(name: string) => R | null | undefined> {
  if (names.length < FEW) return () => undefined;
  const sorted = [...names].sort();
  const first = sorted[0] ?? "";
  let last = sorted[sorted.length - 1] ?? "";
  const found = new Map<string, R>();
  const budget = new Budget();
  for await (const row of range(first, last)) {
    budget.spend(row);
    found.set(nameOf(row), row);
    if (found.size < 2 * names.length && !budget.spent) continue;
    last = nameOf(row);
    break;
  }
  return (name) => (name >= first && name <= last ? (found.get(name) ?? null) : undefined);
}
