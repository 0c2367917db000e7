import { Menu, Search, SquarePen } from "lucide-react";
import { Link } from "wouter";
import { paths } from "../routes.ts";
import { Button } from "../ui/button.tsx";
import { Logo } from "./logo.tsx";
import { useShell } from "./shell-context.ts";

/** At the top of narrow pages, in place of the column. */
export function TopBar() {
  const { setSidebarOpen, openPalette, newSession } = useShell();
  return (
    <nav aria-label="Page" className="flex h-12 shrink-0 items-center gap-1 border-b bg-panel px-2">
      <Button tone="ghost" icon className="size-9" aria-label="Sessions" onClick={() => setSidebarOpen(true)}>
        <Menu />
      </Button>
      <Link href={paths.home} className="mr-auto flex items-center gap-2 rounded-md px-1 py-1 font-semibold">
        <Logo />
        Agent Runtime
      </Link>
      <Button tone="ghost" icon className="size-9" aria-label="Commands" onClick={openPalette}>
        <Search />
      </Button>
      <Button tone="ghost" icon className="size-9" aria-label="New session" onClick={() => newSession()}>
        <SquarePen />
      </Button>
    </nav>
  );
}
