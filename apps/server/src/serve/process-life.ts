import type { Logger } from "pino";

/** Resolves at the first signal to stop; the second one ends the process at once. */
export function signalled(): Promise<void> {
  return new Promise((resolve) => {
    let count = 0;
    const onSignal = (): void => {
      count += 1;
      if (count > 1) process.exit(1);
      resolve();
    };
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
  });
}

/** A promise that nobody waits for must not end every session; a broken invariant must, with a line that says why. */
export function watchProcess(log: Logger): void {
  // Whoever read what we say may have gone (a closed terminal, `| head`): that is no reason to stop working.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  process.on("unhandledRejection", (error) => log.error({ err: error }, "A rejection that nobody handled"));
  process.on("uncaughtException", (error) => {
    log.fatal({ err: error }, "A fault that nobody handled");
    process.exit(1);
  });
}
