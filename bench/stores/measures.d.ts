import type { StoreUnderBench } from "./store-under-bench.ts";
/** Milliseconds of each call, ours and the bare driver's, taken in turns so that both meet the same machine. */
export interface Measured {
  readonly name: string;
  /** Rows of a call. */
  readonly rows: number;
  readonly ours: number[];
  readonly bare: number[];
}
export interface Sizes {
  readonly sessions: number;
  readonly events: number;
  readonly blocks: number;
  readonly files: number;
  /** Calls of a measurement, each way. */
  readonly calls: number;
}
export declare function measureAppends(under: StoreUnderBench, { calls }: Sizes): Promise<Measured[]>;
export declare function measureTail({ store, bare }: StoreUnderBench, { events, calls }: Sizes): Promise<Measured>;
/** Pages of 50: the first, one in the middle by its cursor, by creation, and with a filter. */
export declare function measureLists(under: StoreUnderBench, { sessions, calls }: Sizes): Promise<Measured[]>;
/** What a server reads when somebody opens a session: its head, what came after the snapshot, the last page of blocks. */
export declare function measureOpening({ store, bare }: StoreUnderBench, { blocks, calls }: Sizes): Promise<Measured>;
/** A file of 4 KiB that has changed: its bytes, its entry, its version; in a transaction that moves the log on. */
export declare function measureSaving(under: StoreUnderBench, { files, calls }: Sizes): Promise<Measured>;
