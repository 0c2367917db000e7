import { useSyncExternalStore } from "react";

/** Where one is, behind the `#` of the address: `#/sessions/ID/events?seq=5`. The rest of the address is never touched. */
function place(): { readonly path: string; readonly search: string } {
  const [path = "", ...search] = location.hash.replace(/^#\/?/, "").split("?");
  return { path: `/${path}`, search: search.join("?") };
}

const subscribe = (listener: () => void): (() => void) => {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
};

export interface NavigateOptions {
  /** Takes the place of the present one in the history. */
  readonly replace?: boolean;
}

/** Goes to a path of `paths`, with a query or without. */
export function navigate(to: string, { replace = false }: NavigateOptions = {}): void {
  const before = location.href;
  const url = new URL(before);
  url.hash = to.startsWith("/") ? to : `/${to}`;
  history[replace ? "replaceState" : "pushState"](null, "", url);
  // The browser itself tells only of changes that people make.
  dispatchEvent(new HashChangeEvent("hashchange", { oldURL: before, newURL: url.href }));
}

/** For wouter's router: the path behind the `#`, and how to go to another one. */
export function useHashLocation(): [string, typeof navigate] {
  return [useSyncExternalStore(subscribe, () => place().path), navigate];
}

/** The query behind the path, without its `?`. */
export function useHashSearch(): string {
  return useSyncExternalStore(subscribe, () => place().search);
}

useHashLocation.hrefs = (path: string): string => `#${path}`;
useHashLocation.searchHook = useHashSearch;
