/** Runs tasks, so many at once and the others in their order. */
export function places(most: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let taken = 0;
  return async (task) => {
    if (taken >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else taken += 1;
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      // The place goes on to who waited longest.
      if (next === undefined) taken -= 1;
      else next();
    }
  };
}
