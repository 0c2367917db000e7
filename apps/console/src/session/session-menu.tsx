import { ClipboardCopy, Download, GitFork, History, Link, Moon, MoreHorizontal, Save, Trash2 } from "lucide-react";
import { usePast } from "../past/past.tsx";
import { useCommands } from "../shell/commands.tsx";
import { Button } from "../ui/button.tsx";
import { Menu, type MenuItem } from "../ui/menu.tsx";
import { useSessionControls } from "./session-controls.tsx";
import { useSessionActions } from "./use-session-actions.ts";

/** Everything that can be done to a session as a whole; the palette has the same. */
export function SessionMenu({ sessionId, isBusy }: { readonly sessionId: string; readonly isBusy: boolean }) {
  const items = useItems(sessionId, isBusy);
  useCommands(
    items
      .filter(({ disabled }) => disabled !== true)
      .map(({ label, icon, onSelect }) => ({
        id: `session.${label}`,
        label: label.replace("…", ""),
        group: "This session",
        icon,
        run: onSelect,
      })),
  );
  return (
    <Menu
      items={items}
      trigger={
        <Button tone="ghost" icon aria-label="Session actions">
          <MoreHorizontal />
        </Button>
      }
    />
  );
}

function useItems(sessionId: string, isBusy: boolean): readonly MenuItem[] {
  const controls = useSessionControls();
  const actions = useSessionActions(sessionId);
  const isPast = usePast() !== undefined;
  return [
    { label: "Fork…", icon: <GitFork />, onSelect: () => controls?.openFork() },
    // While a turn runs or waits the server refuses it.
    { label: "Go back…", icon: <History />, disabled: isPast || isBusy, onSelect: () => controls?.openRewind() },
    { label: "Save files now", icon: <Save />, disabled: isPast, onSelect: () => void actions.sync() },
    { label: "Put to sleep", icon: <Moon />, disabled: isPast, onSelect: () => void actions.unload() },
    { label: "Export", icon: <Download />, onSelect: () => void actions.exportSession() },
    { label: "Copy id", icon: <ClipboardCopy />, onSelect: () => void actions.copyId() },
    { label: "Copy link", icon: <Link />, onSelect: () => void actions.copyLink() },
    { label: "Delete…", icon: <Trash2 />, danger: true, onSelect: () => controls?.openDelete() },
  ];
}
