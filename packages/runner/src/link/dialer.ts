import { watch } from "node:fs";
import { stat } from "node:fs/promises";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { dirname, basename } from "node:path";
import type { FSWatcher } from "node:fs";

export interface DialerOptions {
  /** The server's unix socket; it may be missing, stale or replaced at any time. */
  readonly path: string;
  /** Takes a connected socket; the promise is its end. */
  readonly onSocket: (socket: Socket) => Promise<void>;
  readonly firstDelayMs?: number;
  readonly maxDelayMs?: number;
}

/** A connection that lived so long was no refusal. */
const LIVED_MS = 1_000;

/**
 * Keeps a connection to a socket: dials again when it breaks, and also when another file has taken the socket's
 * place, for then another server listens there and the old one may only be asleep.
 */
export function startDialer(options: DialerOptions): { stop(): void } {
  const { path, onSocket, firstDelayMs = 20, maxDelayMs = 1_000 } = options;
  let backoff = firstDelayMs;
  let timer: NodeJS.Timeout | undefined;
  let dialling: Socket | null = null;
  let connectedTo: string | null = null;
  let stopped = false;

  function lookIn(ms: number): void {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(look, ms);
  }

  function again(): void {
    lookIn(backoff);
    backoff = Math.min(backoff * 2, maxDelayMs);
  }

  function look(): void {
    if (stopped || dialling !== null) return;
    stat(path, { bigint: true }).then(
      ({ dev, ino, birthtimeNs }) => dial(`${dev}:${ino}:${birthtimeNs}`),
      () => again(),
    );
  }

  function dial(identity: string): void {
    if (stopped || dialling !== null) return;
    // Slowly on, to notice when the socket is replaced.
    if (connectedTo === identity) return lookIn(maxDelayMs);
    const socket = connect({ path });
    dialling = socket;
    const failed = () => {
      dialling = null;
      again();
    };
    socket.on("error", () => socket.destroy());
    socket.once("close", failed);
    socket.once("connect", () => {
      socket.off("close", failed);
      dialling = null;
      use(socket, identity);
    });
  }

  function use(socket: Socket, identity: string): void {
    const since = performance.now();
    connectedTo = identity;
    lookIn(maxDelayMs);
    void onSocket(socket).then(() => {
      if (connectedTo === identity) connectedTo = null;
      // A server that hangs up at once is not dialled in a tight loop.
      if (performance.now() - since > LIVED_MS) backoff = firstDelayMs;
      again();
    });
  }

  const watcher = watchFolder(path, () => {
    backoff = firstDelayMs;
    lookIn(0);
  });
  look();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
      watcher?.close();
      dialling?.destroy();
    },
  };
}

/** Only makes it quicker: the dialer also looks by itself. */
function watchFolder(path: string, onChange: () => void): FSWatcher | null {
  try {
    const watcher = watch(dirname(path), (_, name) => {
      if (name === null || name === basename(path)) onChange();
    });
    watcher.on("error", () => watcher.close());
    return watcher;
  } catch {
    return null;
  }
}
