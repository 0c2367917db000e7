/** When what failed may be tried again: after a wait that doubles with each failure, up to a bound. Milliseconds. */
export class RetrySchedule {
  readonly #first: number;
  readonly #most: number;
  readonly #waits = new Map<string, { readonly until: number; readonly wait: number }>();

  constructor(options: { readonly first: number; readonly most: number }) {
    this.#first = options.first;
    this.#most = options.most;
  }

  due(id: string, now: number): boolean {
    return now >= (this.#waits.get(id)?.until ?? 0);
  }

  failed(id: string, now: number): void {
    const before = this.#waits.get(id)?.wait;
    const wait = before === undefined ? this.#first : Math.min(before * 2, this.#most);
    this.#waits.set(id, { until: now + wait, wait });
  }

  /** Forgets all but these. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#waits.keys()) if (!ids.has(id)) this.#waits.delete(id);
  }
}
