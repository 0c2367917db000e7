type Fields = Readonly<Record<string, unknown>>;

/**
 * `after`, with each part of `before` in it that is the same as JSON, byte for byte: who compares by identity sees what
 * has changed and nothing else. Members of lists are found again by their ids, wherever they stand.
 */
export function shared<T>(before: unknown, after: T): T {
  if (Array.isArray(before) && Array.isArray(after)) return sharedList(before, after) as T;
  if (isRecord(before) && isRecord(after)) return sharedRecord(before, after) as T;
  return after;
}

function sharedList(before: readonly unknown[], after: readonly unknown[]): readonly unknown[] {
  const known = new Map(before.map((item, index) => [keyOf(item, index), item]));
  const next = after.map((item, index) => shared(known.get(keyOf(item, index)), item));
  return next.length === before.length && next.every((item, index) => item === before[index]) ? before : next;
}

function sharedRecord(before: Fields, after: Fields): Fields {
  const names = Object.keys(before);
  const entries = Object.entries(after).map(([name, value]) => [name, shared(before[name], value)] as const);
  const isSame =
    entries.length === names.length &&
    entries.every(([name, value], index) => name === names[index] && value === before[name]);
  return isSame ? before : Object.fromEntries(entries);
}

function keyOf(item: unknown, index: number): unknown {
  return isRecord(item) ? (item.id ?? item.path ?? item.messageId ?? item.askId ?? index) : index;
}

function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
