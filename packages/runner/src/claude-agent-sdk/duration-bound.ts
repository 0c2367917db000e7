/** The time that a turn may take. */
export interface DurationBound {
  /** @param limit in milliseconds; undefined: for as long as it needs. */
  begin(limit: number | undefined): void;
  /** While it waits for people its time stands still. */
  hold(waiting: boolean): void;
  change(limit: number | undefined): void;
  end(): void;
}

/** Calls `onOver`, with the limit, when a turn has worked for as long as it may. */
export function createDurationBound(onOver: (limit: number) => void): DurationBound {
  let limit: number | undefined;
  let worked = 0;
  let running = false;
  /** When it last began to work; undefined while it waits, and between turns. */
  let since: number | undefined;
  let timer: NodeJS.Timeout | undefined;

  function stand(): void {
    if (since !== undefined) worked += performance.now() - since;
    since = undefined;
    clearTimeout(timer);
  }

  function work(): void {
    since = performance.now();
    const most = limit;
    if (most !== undefined) timer = setTimeout(() => onOver(most), Math.max(1, most - worked));
  }

  return {
    begin(most) {
      stand();
      [limit, worked, running] = [most, 0, true];
      work();
    },
    hold(waiting) {
      if (waiting) stand();
      else if (running && since === undefined) work();
    },
    change(most) {
      limit = most;
      if (since === undefined) return;
      stand();
      work();
    },
    end() {
      running = false;
      stand();
    },
  };
}
