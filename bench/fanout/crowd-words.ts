/** What the crowd is asked. `ready` stands in what each client is sent when it is in. */
export type CrowdRequest =
  | {
      readonly open: number;
      readonly port: number;
      readonly path: string;
      readonly key: string;
      readonly upgrade: boolean;
      readonly ready: string;
    }
  /** From now on each client looks for this word. */
  | { readonly expect: string }
  /** Answered with a `CrowdTake` when every client has it. */
  | { readonly wait: true }
  | { readonly close: true };

export interface CrowdTake {
  /** Milliseconds of the monotonic clock. */
  readonly at: number;
  readonly bytes: number;
  /** Milliseconds between a delta's writing and its arrival, for each delta that said when it was written. */
  readonly latencies: readonly number[];
}
