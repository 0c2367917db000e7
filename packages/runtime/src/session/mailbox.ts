/** Runs tasks one after another, in order of arrival. A task that fails fails alone. */
export class Mailbox {
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  run<T>(task: () => Promise<T>): Promise<T> {
    this.#waiting += 1;
    const result = this.#tail.then(task).finally(() => {
      this.#waiting -= 1;
    });
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** Tasks that run or wait. */
  get size(): number {
    return this.#waiting;
  }

  /** Resolves when every task so far has run. */
  async idle(): Promise<void> {
    await this.#tail;
  }
}
