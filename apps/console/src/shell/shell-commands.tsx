import { BookOpen, Bot, Keyboard, LogOut, MessagesSquare, Moon, PanelLeft, Search, SquarePen, Sun } from "lucide-react";
import { useLocation } from "wouter";
import { useAuth } from "../auth/auth.tsx";
import { paths } from "../routes.ts";
import { SEARCH_FIELD } from "../sessions/session-search.tsx";
import { useCommands } from "./commands.tsx";
import { useShell } from "./shell-context.ts";
import { setTheme, useIsDark } from "./theme.ts";

/** What can be done everywhere. */
export function ShellCommands() {
  const shell = useShell();
  const { signOut } = useAuth();
  const [, navigate] = useLocation();
  const isDark = useIsDark();
  useCommands([
    { id: "palette", group: "Help", label: "Commands", keys: "mod+k", icon: <Search />, run: shell.openPalette },
    { id: "help", group: "Help", label: "Keyboard shortcuts", keys: "?", icon: <Keyboard />, run: shell.openHelp },
    {
      id: "docs",
      group: "Help",
      label: "API reference",
      icon: <BookOpen />,
      run: () => window.open("/docs", "_blank", "noopener,noreferrer"),
    },
    {
      id: "new-session",
      group: "Go to",
      label: "New session",
      keys: "c",
      words: "create start",
      icon: <SquarePen />,
      run: () => shell.newSession(),
    },
    {
      id: "home",
      group: "Go to",
      label: "Overview",
      keys: "g h",
      words: "home sessions",
      icon: <MessagesSquare />,
      run: () => navigate(paths.home),
    },
    {
      id: "profiles",
      group: "Go to",
      label: "Profiles",
      keys: "g p",
      icon: <Bot />,
      run: () => navigate(paths.profiles),
    },
    {
      id: "search",
      group: "Go to",
      label: "Search the sessions",
      keys: "/",
      icon: <Search />,
      run: () => {
        shell.setSidebarOpen(true);
        // It may have to be drawn first.
        requestAnimationFrame(() => document.getElementById(SEARCH_FIELD)?.focus());
      },
    },
    {
      id: "sidebar",
      group: "View",
      label: shell.isSidebarOpen ? "Hide the sessions" : "Show the sessions",
      keys: "mod+b",
      icon: <PanelLeft />,
      run: () => shell.setSidebarOpen(!shell.isSidebarOpen),
    },
    {
      id: "theme",
      group: "View",
      label: isDark ? "Light theme" : "Dark theme",
      words: "dark light colours",
      icon: isDark ? <Sun /> : <Moon />,
      run: () => setTheme(isDark ? "light" : "dark"),
    },
    { id: "sign-out", group: "View", label: "Sign out", icon: <LogOut />, run: signOut },
  ]);
  return null;
}
