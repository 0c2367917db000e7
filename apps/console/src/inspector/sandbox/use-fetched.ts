import { useCallback, useEffect, useRef, useState } from "react";
import { errorText } from "../../ui/error-text.ts";

export interface Fetched<T> {
  readonly value: T | undefined;
  /** Why the last time failed; what was there before stays. */
  readonly error: string | undefined;
  readonly refresh: () => void;
}

/** Something that the server says when it is asked: now, when `fetchIt` is another function, and every `everyMs` in a page that is seen. */
export function useFetched<T>(fetchIt: () => Promise<T>, everyMs: number): Fetched<T> {
  const [fetched, setFetched] = useState<{ value?: T; error?: string }>({});
  const asked = useRef(0);
  const refresh = useCallback(() => {
    const own = (asked.current += 1);
    fetchIt().then(
      (value) => own === asked.current && setFetched({ value }),
      (error: unknown) => own === asked.current && setFetched((before) => ({ ...before, error: errorText(error) })),
    );
  }, [fetchIt]);
  useEffect(() => {
    refresh();
    const timer = setInterval(() => document.visibilityState === "visible" && refresh(), everyMs);
    return () => clearInterval(timer);
  }, [refresh, everyMs]);
  return { value: fetched.value, error: fetched.error, refresh };
}
