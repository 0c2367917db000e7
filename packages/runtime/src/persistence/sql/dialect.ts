import type { ColumnDataType, Dialect, Expression, InsertQueryBuilder, InsertResult, RawBuilder } from "kysely";
import type { ErrorCode, RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { EncodedBatch } from "../encoded-batch.ts";
import type { NodeBus } from "../session-store.ts";
import type { Db, Tables } from "./schema.ts";

type ColumnType = ColumnDataType | Expression<unknown>;

/** What a database calls the kinds of columns that the tables have. */
export interface SqlTypes {
  /** Up to 200 characters, compared byte by byte, in indexes. */
  readonly key: ColumnType;
  /** An ISO 8601 time as text. */
  readonly time: ColumnType;
  readonly text: ColumnType;
  /** JSON as text, of any length. Never a parsed type: those change the text, and refuse NUL. */
  readonly json: ColumnType;
  readonly bytes: ColumnType;
}

/** Rows on their way into a table. */
export type Insert<T extends keyof Tables> = InsertQueryBuilder<Tables, T, InsertResult>;

/** What becomes of a row whose key is there already. */
export interface Upsert<T extends keyof Tables> {
  /** The table's primary key. */
  readonly keys: readonly (keyof Tables[T] & string)[];
  /** Columns that take the new row's values; empty: the row stays as it was. */
  readonly changed: readonly (keyof Tables[T] & string)[];
}

/** Statements that databases have different words for. */
export interface SqlWords {
  upsert<T extends keyof Tables>(insert: Insert<T>, upsert: Upsert<T>): Insert<T>;
  /** Whether rows can be locked by a `select … for update`: so where several processes write. */
  readonly locksRows: boolean;
  /**
   * The database's own clock: an expression of milliseconds since 1970, read anew wherever it stands. Absent: one
   * process has the database for itself, and the store has no `cluster`.
   */
  readonly nowMs?: RawBuilder<number>;
}

/** What differs between databases. */
export interface SqlDialect {
  readonly name: string;
  readonly types: SqlTypes;
  readonly words: SqlWords;
  /** Where the tables are, in a database that has schemas. */
  readonly schema?: string;
  /** Opens the database. Throws a `RuntimeError` with the remedy. */
  open(): Promise<Dialect>;
  /** Throws, before each call, where what was opened is not what users would find there. */
  verify?(): void;
  /** What an error of the driver is to callers. */
  explain(error: unknown): RuntimeError;
  /** What it is called when it cannot be opened for a reason of its own; else as `explain` calls it. */
  readonly openFailure?: ErrorCode;
  /** Whether the driver says so: a row with this key is there already. */
  isDuplicate(error: unknown): boolean;
  /** Whether a transaction was rolled back because of others at the same time, and would go through now. Absent: never. */
  isTransient?(error: unknown): boolean;
  /**
   * Whether it was the connection that failed, and not the statement: then nobody knows what became of its transaction,
   * and it must not be tried again. Absent: never.
   */
  isConnectionLost?(error: unknown): boolean;
  /**
   * Appends batches of events alone (`isPlain`), each of another session, in one transaction, faster than `writeBatch`
   * does; the answer has those that were written. Rejects where none was. Absent: there is no faster way.
   */
  appendPlain?(db: Db, batches: readonly EncodedBatch[]): Promise<ReadonlySet<EncodedBatch>>;
  /** The same for simple batches too (`isSimple`); used instead where it is there. */
  appendSimple?(db: Db, batches: readonly EncodedBatch[]): Promise<ReadonlySet<EncodedBatch>>;
  /** How nodes wake each other through this database. */
  readonly bus?: NodeBus;
}
