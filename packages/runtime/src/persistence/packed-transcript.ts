import { lineOf } from "./session-lines.ts";
import { rootOf } from "./transcript-copy.ts";
import type { SessionKey, SessionStore } from "./session-store.ts";

const EVENT_PAGE = 1000;

/** A session's log and its harness's transcript as one text, an object a line (`session-lines.ts`). */
export async function packTranscript(store: SessionStore, key: SessionKey): Promise<string> {
  const parts: string[] = [];
  for await (const line of logLines(store, key)) parts.push(line);
  return parts.join("");
}

/** The same, a line or a few at a time, up to the log's end as it is now; nothing where there is no such session. */
export async function* logLines(store: SessionStore, key: SessionKey): AsyncGenerator<string> {
  const head = await store.head(key);
  if (head === null) return;
  let after = 0;
  while (after < head.lastSeq) {
    const events = await store.events(key, { after, limit: EVENT_PAGE });
    for (const event of events) if (event.seq <= head.lastSeq) yield lineOf.event(JSON.stringify(event));
    after = events.at(-1)?.seq ?? head.lastSeq;
  }
  const { nativeSessionId } = head;
  // A session that went back has what it had before, too.
  for await (const piece of store.transcript(key))
    if (nativeSessionId === null || rootOf(piece.key) === nativeSessionId) yield lineOf.transcript(piece);
}
