import { useEffect } from "react";

const PRODUCT = "Agent Runtime";

/** What the tab is called while this is shown. */
export function useTitle(...parts: readonly (string | undefined)[]): void {
  const title = [...parts.filter((part) => part !== undefined && part !== ""), PRODUCT].join(" · ");
  useEffect(() => {
    document.title = title;
  }, [title]);
}
