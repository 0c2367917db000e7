import type { SessionState } from "@hhopkins/agent-runtime-protocol";
import { asClientError, ClientError } from "../client-error.ts";
import type { Endpoint } from "../endpoint.ts";
import { eventOf, type LiveEvent } from "../follow/frame.ts";
import { serverSentEvents, type ServerSentEvent } from "./server-sent-events.ts";

export interface ReadEventsOptions {
  /** The `seq` after which to begin; 0, which is the beginning. */
  readonly after?: number;
  /** The last `seq` to read; by default the last that the log has now. */
  readonly upTo?: number;
  readonly signal?: AbortSignal;
}

/**
 * Events of a log that are kept, in order, in batches as they arrive. Reads on only as fast as it is asked to, goes on
 * after a cut where it had come to, and rejects with `ClientError` where it gets no further.
 */
export async function* readEvents(
  endpoint: Endpoint,
  sessionId: string,
  { after = 0, upTo, signal }: ReadEventsOptions,
): AsyncGenerator<readonly LiveEvent[], void, undefined> {
  const path = `/sessions/${encodeURIComponent(sessionId)}`;
  const call = signal === undefined ? {} : { signal };
  const { lastSeq, logId } = await endpoint.json<SessionState>(`${path}?blocks=1`, call);
  const last = Math.min(upTo ?? lastSeq, lastSeq);
  let cursor = after;
  while (cursor < last) {
    const from = cursor;
    const query = new URLSearchParams({ after: String(cursor), logId, follow: "false" });
    const { body } = await endpoint.call(`${path}/events?${query.toString()}`, call);
    if (body === null) throw new ClientError("bad_answer", "The server's answer has no events.");
    try {
      for await (const messages of serverSentEvents(body)) {
        const events = messages.map(parsed).filter((event) => event !== undefined);
        const wanted = events.filter(({ seq }) => seq > cursor && seq <= last);
        cursor = wanted.at(-1)?.seq ?? cursor;
        if (wanted.length > 0) yield wanted;
        // What lies beyond may stand for more than itself: nothing up to `last` comes any more.
        if (events.some(({ seq }) => seq >= last)) return;
      }
    } catch (error) {
      // A cut, unless it is none: a server ends long streams too.
      if (cursor === from || signal?.aborted === true || error instanceof ClientError) throw asClientError(error);
    }
    // Such as of a server that is stopping: what is missing must not look like the end of the log.
    if (cursor === from)
      throw new ClientError("unreachable", `The server's stream ended after event ${cursor}, before event ${last}.`);
  }
}

function parsed({ type, data }: ServerSentEvent): LiveEvent | undefined {
  let payload: unknown;
  try {
    payload = JSON.parse(data);
  } catch (error) {
    throw asClientError(error, "bad_answer");
  }
  if (type === "session:resync") {
    const reason = String((payload as { reason?: unknown } | null)?.reason);
    throw new ClientError(reason, `The log cannot be read from there (${reason}): begin with the session's state.`);
  }
  return eventOf(type, payload);
}
