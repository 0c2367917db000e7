import { GitFork, History, MoreVertical } from "lucide-react";
import { usePast } from "../past/past.tsx";
import { Button } from "../ui/button.tsx";
import { Menu } from "../ui/menu.tsx";
import { useSessionControls } from "./session-controls.tsx";

/** What can be done at a place of the main conversation: at the end of the turn that it is of. */
export function BlockMenu({ blockId }: { readonly blockId: string }) {
  const controls = useSessionControls();
  const isPast = usePast() !== undefined;
  if (controls === undefined) return null;
  return (
    <Menu
      trigger={
        <Button tone="ghost" icon className="size-7 text-muted" aria-label="Fork or go back here">
          <MoreVertical />
        </Button>
      }
      items={[
        { label: "Fork after this turn…", icon: <GitFork />, onSelect: () => controls.openFork(blockId) },
        {
          label: "Go back to this turn…",
          icon: <History />,
          disabled: isPast,
          onSelect: () => controls.openRewind(blockId),
        },
      ]}
    />
  );
}
