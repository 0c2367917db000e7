import type { NetworkUse } from "@hhopkins/agent-runtime-protocol";
import type { EgressRecord } from "../gateway/port.ts";
import type { Logger } from "../logger.ts";
import type { SessionKey } from "../persistence/session-store.ts";

export interface EgressBookOptions {
  readonly log: Logger;
  readonly now: () => Date;
  /** Places that are kept of a session (200), and sessions (1000); the oldest go. */
  readonly maxPlaces?: number;
  readonly maxSessions?: number;
}

interface Places {
  readonly all: Map<string, NetworkUse>;
  /** How many the log has at info: an agent that tries every name must not fill it. */
  logged: number;
}

/**
 * What sandboxes reached, and what they were refused, beside the model. The server's log has the first time of each
 * place at info, the others at debug; the book sums them up for who asks. It begins anew with the server.
 */
export class EgressBook {
  readonly #options: EgressBookOptions;
  readonly #sessions = new Map<string, Places>();

  constructor(options: EgressBookOptions) {
    this.#options = options;
  }

  add(session: SessionKey, record: EgressRecord): void {
    const { maxPlaces = 200, maxSessions = 1000, log, now } = this.#options;
    const name = nameOf(session);
    const places = this.#sessions.get(name) ?? { all: new Map<string, NetworkUse>(), logged: 0 };
    const { host, port, way, allowed, reason } = record;
    const place = JSON.stringify([host, port, way, allowed]);
    const known = places.all.get(place);
    const isNews = known === undefined && places.logged < maxPlaces;
    if (isNews) places.logged += 1;
    log[isNews ? "info" : "debug"]({ ...session, ...record }, allowed ? "egress" : "egress refused");
    const lastAt = now().toISOString();
    // Put in again at the end: the first one is the one that was not seen for longest.
    places.all.delete(place);
    places.all.set(place, {
      host,
      port,
      way,
      allowed,
      lastAt,
      firstAt: known?.firstAt ?? lastAt,
      requests: (known?.requests ?? 0) + 1,
      bytesSent: (known?.bytesSent ?? 0) + record.bytesSent,
      bytesReceived: (known?.bytesReceived ?? 0) + record.bytesReceived,
      ...(reason === undefined ? {} : { reason }),
    });
    this.#sessions.delete(name);
    this.#sessions.set(name, places);
    dropFirst(places.all, maxPlaces);
    dropFirst(this.#sessions, maxSessions);
  }

  /** The latest first. */
  of(session: SessionKey): NetworkUse[] {
    return [...(this.#sessions.get(nameOf(session))?.all.values() ?? [])].toReversed();
  }

  forget(session: SessionKey): void {
    this.#sessions.delete(nameOf(session));
  }
}

function dropFirst(map: Map<string, unknown>, max: number): void {
  for (const name of map.keys()) {
    if (map.size <= max) return;
    map.delete(name);
  }
}

function nameOf({ tenant, sessionId }: SessionKey): string {
  return JSON.stringify([tenant, sessionId]);
}
