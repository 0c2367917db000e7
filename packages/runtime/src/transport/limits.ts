import { DEFAULT_LIMITS } from "@hhopkins/agent-runtime-protocol";

/** Sizes that the transports accept, in bytes. */
export interface TransportLimits {
  readonly bodyBytes: number;
  readonly messageBytes: number;
  readonly frameBytes: number;
  /** Of a session that is imported, unpacked. */
  readonly archiveBytes: number;
}

export const TRANSPORT_LIMITS: TransportLimits = DEFAULT_LIMITS;

/** Items of a list page. */
export const PAGE = { default: 50, max: 500 } as const;
