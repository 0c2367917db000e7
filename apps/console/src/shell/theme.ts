import { useSyncExternalStore } from "react";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

/** The same as in public/theme.js, which shows the theme before the first paint. */
const KEPT_AS = "agent-runtime.theme";

const listeners = new Set<() => void>();
const dark = matchMedia("(prefers-color-scheme: dark)");

function kept(): Theme {
  try {
    const value = localStorage.getItem(KEPT_AS);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system";
  }
}

let theme = kept();

function show(): void {
  const isDark = theme === "system" ? dark.matches : theme === "dark";
  document.documentElement.dataset["theme"] = isDark ? "dark" : "light";
  for (const listener of listeners) listener();
}

dark.addEventListener("change", show);
// Another tab has chosen.
addEventListener("storage", ({ key }) => {
  if (key !== KEPT_AS && key !== null) return;
  theme = kept();
  show();
});

export function setTheme(next: Theme): void {
  theme = next;
  try {
    if (next === "system") localStorage.removeItem(KEPT_AS);
    else localStorage.setItem(KEPT_AS, next);
  } catch {
    // It lasts as long as the page.
  }
  show();
}

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** What a person has chosen; `system` follows the machine. */
export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, () => theme);
}

/** What is shown. */
export function useIsDark(): boolean {
  return useSyncExternalStore(subscribe, () => document.documentElement.dataset["theme"] === "dark");
}
