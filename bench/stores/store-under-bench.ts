import type { SessionStore } from "@hhopkins/agent-runtime-protocol";

/** What the driver alone does, on one connection. Places for values are `?` for every database. */
export interface BareDriver {
  rows(sql: string, values?: readonly unknown[]): Promise<unknown[]>;
  /** For statements that are asked once, and large. */
  run(sql: string): Promise<void>;
  transaction(work: () => Promise<void>): Promise<void>;
}

/** A store, and beside it the bare driver on the same database. */
export interface StoreUnderBench extends AsyncDisposable {
  readonly name: string;
  /** Of the database and the driver. */
  readonly version: string;
  readonly store: SessionStore;
  readonly bare: BareDriver;
  /** A table expression with a column `n` from 1 to `count`. */
  series(count: number): string;
  /** Makes a table with another's columns and key. */
  cloneTable(name: string, like: string): Promise<void>;
  /** After much was written: what the database does by itself at night. */
  settle(): Promise<void>;
}
