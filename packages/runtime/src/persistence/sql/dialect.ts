import type { ColumnDataType, Dialect, Expression } from "kysely";
import type { RuntimeError } from "@hhopkins/agent-runtime-protocol";

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

/** What differs between databases. */
export interface SqlDialect {
  readonly name: string;
  readonly types: SqlTypes;
  /** Opens the database. Throws a `RuntimeError` with the remedy. */
  open(): Promise<Dialect>;
  /** Throws, before each call, where what was opened is not what users would find there. */
  verify?(): void;
  /** What an error of the driver is to callers. */
  explain(error: unknown): RuntimeError;
}
