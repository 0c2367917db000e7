interface Waiting {
  readonly grant: () => void;
  readonly onPosition: (position: number) => void;
}

/** Bounds how many sandboxes run at once, and how many wait. Who has to wait is told the place in the line, 1 is next. */
export class Slots {
  readonly limit: number;
  readonly maxWaiting: number;
  /** Told when somebody has to wait. */
  onShort: (() => void) | undefined;
  #taken = 0;
  readonly #line: Waiting[] = [];
  /** Who was promised a slot or a place in the line, and has not come yet. */
  readonly #promised = new Set<string>();

  constructor(limit: number, maxWaiting = Number.POSITIVE_INFINITY) {
    this.limit = limit;
    this.maxWaiting = maxWaiting;
  }

  /** Sandboxes that run and start. */
  get taken(): number {
    return this.#taken;
  }

  /** Who is in the line or is promised a place. */
  get waiting(): number {
    return this.#line.length + this.#promised.size;
  }

  /** Who comes now has to wait. */
  get isShort(): boolean {
    return this.#taken + this.waiting >= this.limit;
  }

  /** Keeps a slot or a place in the line for `who`, until it comes for it or `forgo`; false: there is none. */
  promise(who: string): boolean {
    if (this.#promised.has(who)) return true;
    if (this.#taken + this.waiting >= this.limit + this.maxWaiting) return false;
    this.#promised.add(who);
    return true;
  }

  /** It does not come, or has what it came for. */
  forgo(who: string): void {
    this.#promised.delete(who);
  }

  /** Resolves with how to give the slot back; rejects when `signal` fires first. `who` had been promised it. */
  async acquire(signal: AbortSignal, onPosition: (position: number) => void, who?: string): Promise<() => void> {
    signal.throwIfAborted();
    if (who !== undefined) this.#promised.delete(who);
    if (this.#taken < this.limit && this.#line.length === 0) {
      this.#taken += 1;
    } else {
      await this.#wait(signal, onPosition);
    }
    return this.#held();
  }

  /** A slot that nobody waits for, or undefined; with how to give it back. */
  tryAcquire(): (() => void) | undefined {
    if (this.#taken >= this.limit || this.#line.length > 0) return undefined;
    this.#taken += 1;
    return this.#held();
  }

  /** Takes a slot for a sandbox that runs already, beyond the limit if need be. */
  adopt(): () => void {
    this.#taken += 1;
    return this.#held();
  }

  #held(): () => void {
    let held = true;
    return () => {
      if (held) this.#release();
      held = false;
    };
  }

  #wait(signal: AbortSignal, onPosition: (position: number) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        onPosition,
        grant: () => {
          signal.removeEventListener("abort", leave);
          resolve();
        },
      };
      const leave = (): void => {
        this.#line.splice(this.#line.indexOf(waiting), 1);
        this.#tellPositions();
        reject(signal.reason as Error);
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#line.push(waiting);
      onPosition(this.#line.length);
      this.onShort?.();
    });
  }

  #release(): void {
    this.#taken -= 1;
    if (this.#taken >= this.limit) return;
    const next = this.#line.shift();
    if (next === undefined) return;
    this.#taken += 1;
    next.grant();
    this.#tellPositions();
  }

  #tellPositions(): void {
    for (const [index, waiting] of this.#line.entries()) waiting.onPosition(index + 1);
  }
}
