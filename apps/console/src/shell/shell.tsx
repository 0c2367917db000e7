import { lazy, Suspense, useCallback, useEffect, useMemo, useState } from "react";
import { useLocation } from "wouter";
import { SessionListingProvider } from "../sessions/session-listing.tsx";
import { Button } from "../ui/button.tsx";
import { ErrorBoundary } from "../ui/error-boundary.tsx";
import { Sheet } from "../ui/sheet.tsx";
import { useToast } from "../ui/toast.tsx";
import { useMedia } from "../ui/use-media.ts";
import { Banners } from "./banners.tsx";
import { CommandRegistry, CommandsProvider } from "./commands.tsx";
import { Pages } from "./pages.tsx";
import { Rail } from "./rail.tsx";
import { ShellCommands } from "./shell-commands.tsx";
import { ShellContext, type Shell as ShellParts } from "./shell-context.ts";
import { useShortcuts } from "./shortcuts.ts";
import { Sidebar } from "./sidebar.tsx";
import { TopBar } from "./top-bar.tsx";

const Palette = lazy(() => import("./palette.tsx").then(({ Palette }) => ({ default: Palette })));
const Help = lazy(() => import("./help.tsx").then(({ Help }) => ({ default: Help })));
const NewSession = lazy(() =>
  import("../sessions/new-session.tsx").then(({ NewSession }) => ({ default: NewSession })),
);

/** What is open over the page. */
type Over = { readonly kind: "palette" | "help" } | { readonly kind: "new-session"; readonly profileId?: string };

const SIDEBAR = "agent-runtime.sidebar";

/** The frame: sessions at the left, what the address names beside them, and what opens over both. */
export function Shell() {
  const [registry] = useState(() => new CommandRegistry());
  const [over, setOver] = useState<Over>();
  const isWide = useMedia("(min-width: 48rem)");
  const [isColumnOpen, setColumnOpen] = useState(() => readColumn());
  const [isDrawerOpen, setDrawerOpen] = useState(false);
  const [path] = useLocation();
  useEffect(() => setDrawerOpen(false), [path, isWide]);
  useShortcuts(registry);

  const setSidebarOpen = useCallback(
    (open: boolean) => {
      if (!isWide) return setDrawerOpen(open);
      setColumnOpen(open);
      keepColumn(open);
    },
    [isWide],
  );
  const shell = useMemo<ShellParts>(
    () => ({
      newSession: (profileId) => setOver({ kind: "new-session", ...(profileId === undefined ? {} : { profileId }) }),
      openPalette: () => setOver({ kind: "palette" }),
      openHelp: () => setOver({ kind: "help" }),
      isSidebarOpen: isWide ? isColumnOpen : isDrawerOpen,
      setSidebarOpen,
    }),
    [isWide, isColumnOpen, isDrawerOpen, setSidebarOpen],
  );
  const close = useCallback(() => setOver(undefined), []);
  return (
    <ShellContext value={shell}>
      <CommandsProvider registry={registry}>
        <SessionListingProvider>
          <ShellCommands />
          <div className="flex h-dvh flex-col">
            <SkipLink />
            <Banners />
            {!isWide && <TopBar />}
            <div className="flex min-h-0 flex-1">
              {isWide && isColumnOpen && (
                <nav aria-label="Sessions" className="flex w-72 shrink-0 flex-col border-r bg-panel">
                  <Sidebar />
                </nav>
              )}
              {isWide && !isColumnOpen && <Rail />}
              {!isWide && (
                <Sheet title="Sessions" side="left" open={isDrawerOpen} onOpenChange={setDrawerOpen}>
                  <Sidebar onOpen={() => setDrawerOpen(false)} />
                </Sheet>
              )}
              <Pages />
            </div>
          </div>
          <Overlay over={over} registry={registry} onClose={close} />
        </SessionListingProvider>
      </CommandsProvider>
    </ShellContext>
  );
}

interface OverlayProps {
  readonly over: Over | undefined;
  readonly registry: CommandRegistry;
  readonly onClose: () => void;
}

/** Each is fetched when it is opened for the first time. */
function Overlay({ over, registry, onClose }: OverlayProps) {
  const toast = useToast();
  const fail = (message: string): void => {
    toast(message, { tone: "bad", action: { label: "Reload", onSelect: () => location.reload() } });
    onClose();
  };
  return (
    <ErrorBoundary resetKey={over?.kind} onError={fail}>
      <Suspense>
        {over?.kind === "palette" && <Palette registry={registry} onClose={onClose} />}
        {over?.kind === "help" && <Help registry={registry} onClose={onClose} />}
        {over?.kind === "new-session" && <NewSession profileId={over.profileId} onClose={onClose} />}
      </Suspense>
    </ErrorBoundary>
  );
}

/** For who walks the page by Tab: past the sessions. */
function SkipLink() {
  const skip = (): void => {
    const main = document.querySelector("main");
    if (main === null) return;
    main.tabIndex = -1;
    main.focus();
  };
  return (
    <Button
      className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:px-3"
      onClick={skip}
    >
      Skip to the content
    </Button>
  );
}

function readColumn(): boolean {
  try {
    return localStorage.getItem(SIDEBAR) !== "closed";
  } catch {
    return true;
  }
}

function keepColumn(open: boolean): void {
  try {
    localStorage.setItem(SIDEBAR, open ? "open" : "closed");
  } catch {
    // It lasts as long as the page.
  }
}
