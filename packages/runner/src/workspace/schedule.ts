/** When to look at the workspace again: soon after a change, and now and then by itself. */
export interface Schedule {
  /** Something changed. */
  soon(): void;
  setBusy(busy: boolean): void;
  /** Without a turn, too, changes may go unnoticed: look by itself. */
  setPolling(polling: boolean): void;
  stop(): void;
}

const DEBOUNCE_MS = 150;
const BUSY_MS = 2_000;
const POLL_MS = 15_000;
/** At most this share of the time is spent on looking. */
const REST_FACTOR = 4;
const MAX_REST_MS = 10_000;

/** Runs `look`, never twice at the same time; `look` never rejects. */
export function createSchedule(look: () => Promise<void>): Schedule {
  let timer: NodeJS.Timeout | undefined;
  let due = Infinity;
  let running = false;
  let dirty = false;
  let busy = false;
  let polling = false;
  let stopped = false;
  let restMs = 0;

  function wakeIn(ms: number): void {
    const at = performance.now() + ms;
    if (stopped || running || at >= due) return;
    clearTimeout(timer);
    due = at;
    timer = setTimeout(run, ms);
    timer.unref();
  }

  function run(): void {
    due = Infinity;
    dirty = false;
    running = true;
    const from = performance.now();
    void look().finally(() => {
      restMs = Math.min((performance.now() - from) * REST_FACTOR, MAX_REST_MS);
      running = false;
      plan();
    });
  }

  function plan(): void {
    if (dirty) wakeIn(Math.max(DEBOUNCE_MS, restMs));
    else if (busy) wakeIn(Math.max(BUSY_MS, restMs));
    else if (polling) wakeIn(Math.max(POLL_MS, restMs));
  }

  return {
    soon() {
      dirty = true;
      plan();
    },
    setBusy(value) {
      busy = value;
      plan();
    },
    setPolling(value) {
      polling = value;
      plan();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
