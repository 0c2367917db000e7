import { RuntimeError, type Lease } from "@hhopkins/agent-runtime-protocol";
import type { SessionKey } from "../persistence/session-store.ts";

/**
 * `SessionManager.load` (and whatever else changes a session here) rejects with it where another living node holds
 * the session's lease, or has just got it: what was asked goes to that node as a command. No client ever sees it.
 */
export class RunsElsewhere extends RuntimeError {
  readonly key: SessionKey;
  readonly lease: Lease;

  constructor({ tenant, sessionId }: SessionKey, lease: Lease) {
    super("stale_fence", `Session ${sessionId} is run by another server.`, { retryAfter: 1 });
    this.key = { tenant, sessionId };
    this.lease = lease;
  }
}
