import { HOST_TOOL_LIMITS } from "@hhopkins/agent-runtime-protocol";

const INTERVAL_MS = 500;

/** What a tool says of its progress, made bearable: the first at once, then at most one an interval, the last one always. */
export interface Progress {
  say(text: unknown): void;
  /** Says what still waits. */
  end(): Promise<void>;
}

/** `show` is called one at a time. */
export function createProgress(show: (text: string) => Promise<void>, intervalMs = INTERVAL_MS): Progress {
  let waiting: string | undefined;
  let ended = false;
  let work: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  function flush(): void {
    timer = undefined;
    const text = waiting;
    if (text === undefined) return;
    waiting = undefined;
    work = work.then(() => show(text)).catch(() => undefined);
    timer = setTimeout(() => void work.then(flush), intervalMs);
    timer.unref();
  }

  return {
    say(text) {
      if (ended) return;
      waiting = String(text).slice(0, HOST_TOOL_LIMITS.progress);
      if (timer === undefined) flush();
    },
    async end() {
      ended = true;
      clearTimeout(timer);
      flush();
      clearTimeout(timer);
      await work;
    },
  };
}
