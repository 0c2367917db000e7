import { Bot, PanelLeftOpen, Search, SquarePen } from "lucide-react";
import { useLocation } from "wouter";
import { paths } from "../routes.ts";
import { Button } from "../ui/button.tsx";
import { Tooltip } from "../ui/tooltip.tsx";
import { useShell } from "./shell-context.ts";
import { Settings } from "./sidebar-foot.tsx";

/** What stays of the sessions' column while it is hidden. */
export function Rail() {
  const { setSidebarOpen, newSession, openPalette } = useShell();
  const [, navigate] = useLocation();
  const items = [
    { label: "Show the sessions", icon: <PanelLeftOpen />, run: () => setSidebarOpen(true) },
    { label: "New session", icon: <SquarePen />, run: () => newSession() },
    { label: "Profiles", icon: <Bot />, run: () => navigate(paths.profiles) },
    { label: "Commands", icon: <Search />, run: openPalette },
  ];
  return (
    <nav aria-label="Page" className="flex w-12 shrink-0 flex-col items-center gap-1 border-r bg-panel py-2">
      {items.map(({ label, icon, run }) => (
        <Tooltip key={label} content={label} side="right">
          <Button tone="ghost" icon aria-label={label} onClick={run}>
            {icon}
          </Button>
        </Tooltip>
      ))}
      <span className="mt-auto" />
      <Settings />
    </nav>
  );
}
