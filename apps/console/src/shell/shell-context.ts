import { createContext, useContext } from "react";

/** What the parts of the page can open. */
export interface Shell {
  /** The dialog for a new session; with a profile that is chosen already. */
  readonly newSession: (profileId?: string) => void;
  readonly openPalette: () => void;
  readonly openHelp: () => void;
  /** The sessions: a column of wide pages, a drawer of narrow ones. */
  readonly isSidebarOpen: boolean;
  readonly setSidebarOpen: (open: boolean) => void;
}

export const ShellContext = createContext<Shell | undefined>(undefined);

export function useShell(): Shell {
  const shell = useContext(ShellContext);
  if (shell === undefined) throw new Error("useShell is for what is inside the <Shell>.");
  return shell;
}
