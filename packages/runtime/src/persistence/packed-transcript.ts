import type { SessionKey, SessionStore } from "./session-store.ts";

const EVENT_PAGE = 1000;

/** Lines of a packed transcript: `{"event":…}` for each of the log, `{"transcript":{key,line}}` for each of the harness. */
export function packEvent(eventJson: string): string {
  return `{"event":${eventJson}}\n`;
}

export function packLines({ key, lines }: { key: string; lines: readonly string[] }): string {
  return lines.map((line) => `${JSON.stringify({ transcript: { key, line } })}\n`).join("");
}

/** A session's log and its harness's transcript as one text, an object a line. */
export async function packTranscript(store: SessionStore, key: SessionKey): Promise<string> {
  const parts: string[] = [];
  let after = 0;
  while (true) {
    const events = await store.events(key, { after, limit: EVENT_PAGE });
    for (const event of events) parts.push(packEvent(JSON.stringify(event)));
    after = events.at(-1)?.seq ?? after;
    if (events.length < EVENT_PAGE) break;
  }
  for await (const piece of store.transcript(key)) parts.push(packLines(piece));
  return parts.join("");
}
