export interface SolitudeOptions {
  readonly aloneMs: number;
  readonly isAlone: () => boolean;
}

/** Measures how long the runner has had neither a server nor a turn. */
export interface Solitude {
  /** Resolves when that was `aloneMs`. */
  readonly over: Promise<void>;
  /** Something may have begun or ended: looks again. */
  update(): void;
  stop(): void;
}

/** Node's timers take no longer time. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export function createSolitude({ aloneMs, isAlone }: SolitudeOptions): Solitude {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  let timer: NodeJS.Timeout | undefined;

  function update(): void {
    if (!isAlone()) {
      clearTimeout(timer);
      timer = undefined;
      return;
    }
    timer ??= setTimeout(
      () => {
        if (isAlone()) resolve();
      },
      Math.min(aloneMs, MAX_TIMER_MS),
    );
  }

  update();
  return { over, update, stop: () => clearTimeout(timer) };
}
