import { ClientError } from "@hhopkins/agent-runtime-client";
import { useCallback, useState } from "react";
import { quiet } from "./quiet.ts";

interface Running {
  readonly count: number;
  readonly error: ClientError | undefined;
}

export interface Action {
  readonly isRunning: boolean;
  /** Why the last one failed; gone when another one begins. */
  readonly error: ClientError | undefined;
  /** Does it, and shows how it goes. Rejects as `work` does, without being a fault where nobody waits for it. */
  readonly run: <T>(work: () => Promise<T>) => Promise<T>;
}

/** What a person asked for, as a component shows it. `subject`: what it is about; another one begins with a clean slate. */
export function useAction(subject: unknown): Action {
  const [running, setRunning] = useState<Running & { subject: unknown }>({ count: 0, error: undefined, subject });
  const run = useCallback(
    <T>(work: () => Promise<T>): Promise<T> => {
      const change = (count: number, error?: ClientError): void =>
        setRunning((before) => {
          const earlier = before.subject === subject ? before.count : 0;
          return { count: Math.max(0, earlier + count), error, subject };
        });
      change(1);
      const promise = work();
      promise.then(
        () => change(-1),
        (error: unknown) => change(-1, error instanceof ClientError ? error : new ClientError("failed", String(error))),
      );
      return quiet(promise);
    },
    [subject],
  );
  const own = running.subject === subject ? running : undefined;
  return { isRunning: (own?.count ?? 0) > 0, error: own?.error, run };
}
