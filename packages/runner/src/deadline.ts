import { RuntimeError } from "@hhopkins/agent-runtime-protocol";

/** `work`, or a `harness_timeout` error that says `what` did not happen in time. */
export async function withDeadline<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new RuntimeError("harness_timeout", `${what} within ${ms} ms.`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
