import type { AskingSession, SessionAsks } from "./asks.ts";
import { keptMessages } from "./message-queue.ts";
import type { SessionParts } from "./session-parts.ts";

/** After a start of the server: the turn that ran goes on. `isStarted`: in a sandbox that had begun, where it is found. */
export async function resumeTurn(
  { store }: Pick<SessionParts, "store">,
  { key, state, control, writer, turns }: AskingSession,
  { asks, isStarted }: { asks: SessionAsks; isStarted: boolean },
): Promise<void> {
  const { turn } = state();
  if (turn === null) return;
  const { turnId, deferred } = turn;
  if (isStarted && deferred !== true) control.given(turnId, Date.parse(turn.startedAt));
  if (control.isToStop) await writer.run(() => control.stop());
  if (asks.areDeferred) return;
  if (deferred !== undefined) turns.continueTurn(turnId);
  else turns.deliver(turnId, await keptMessages(store, key, turn.messageIds));
  if (isStarted) await asks.repeat();
}
