import { PanelLeftClose, SquarePen } from "lucide-react";
import { Link } from "wouter";
import { paths } from "../routes.ts";
import { SessionList } from "../sessions/session-list.tsx";
import { SessionSearch } from "../sessions/session-search.tsx";
import { Button } from "../ui/button.tsx";
import { Tooltip } from "../ui/tooltip.tsx";
import { useMedia } from "../ui/use-media.ts";
import { Logo } from "./logo.tsx";
import { useShell } from "./shell-context.ts";
import { SidebarFoot } from "./sidebar-foot.tsx";

/** The column of the sessions. `onOpen`: one was chosen. */
export function Sidebar({ onOpen }: { readonly onOpen?: () => void }) {
  const isWide = useMedia("(min-width: 48rem)");
  return (
    <>
      {isWide ? <SidebarHead /> : <div className="h-3 shrink-0" />}
      <SessionSearch />
      <SessionList {...(onOpen === undefined ? {} : { onOpen })} />
      <SidebarFoot />
    </>
  );
}

function SidebarHead() {
  const { newSession, setSidebarOpen } = useShell();
  return (
    <div className="flex h-12 shrink-0 items-center gap-1 px-3">
      <Link href={paths.home} className="mr-auto flex items-center gap-2 rounded-md py-1 pr-2 font-semibold">
        <Logo />
        Agent Runtime
      </Link>
      <Tooltip content="New session (C)">
        <Button tone="ghost" icon aria-label="New session" onClick={() => newSession()}>
          <SquarePen />
        </Button>
      </Tooltip>
      <Tooltip content="Hide the sessions (Ctrl/⌘ B)">
        <Button tone="ghost" icon aria-label="Hide the sessions" onClick={() => setSidebarOpen(false)}>
          <PanelLeftClose />
        </Button>
      </Tooltip>
    </div>
  );
}
