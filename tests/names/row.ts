/** The piece of work that brings a name which is promised and not there yet. */
export type Later = "stores" | "profiles" | "react" | "later";

/** A test by its file, from the repository's root, and its title. */
export interface TestReference {
  readonly file: string;
  readonly name: string;
}

/** A name that users may rely on, with the test that fails when the name does nothing, or with what brings it. */
export type Row = { readonly kind: string; readonly name: string } & (
  | { readonly test: TestReference }
  | { readonly later: Later }
);

/** Names of one kind that one test holds. */
export function tested(kind: string, names: readonly string[], test: TestReference): Row[] {
  return names.map((name) => ({ kind, name, test }));
}

/** Names of one kind that a later piece of work brings. */
export function later(kind: string, names: readonly string[], piece: Later): Row[] {
  return names.map((name) => ({ kind, name, later: piece }));
}

/** `Type.field` for each of the fields, which stand in one string with spaces between them. */
export function fieldsOf(type: string, fields: string): string[] {
  return fields.split(/\s+/).map((field) => `${type}.${field}`);
}

/** `Type=value` for each of the values, as `fieldsOf`. */
export function valuesOf(type: string, values: string): string[] {
  return values.split(/\s+/).map((value) => `${type}=${value}`);
}

/** Shorthand: the tests of one file by their titles. */
export function testsIn(file: string): (name: string) => TestReference {
  return (name) => ({ file, name });
}
