import { useSessionList } from "@hhopkins/agent-runtime-react";
import { Command as Cmdk } from "cmdk";
import { Search } from "lucide-react";
import { Dialog } from "radix-ui";
import { useState } from "react";
import type { ReactNode } from "react";
import { useLocation } from "wouter";
import { paths } from "../routes.ts";
import { useSessionListing } from "../sessions/session-listing.tsx";
import { nameOf } from "../sessions/session-name.ts";
import { statusOf } from "../sessions/session-status.ts";
import { StatusDot } from "../sessions/status-dot.tsx";
import { Kbd } from "../ui/kbd.tsx";
import type { CommandRegistry } from "./commands.tsx";
import { useShell } from "./shell-context.ts";
import { keysText } from "./shortcuts.ts";

const ITEM =
  "flex min-h-9 cursor-default items-center gap-2 rounded-md px-2 py-1.5 data-[selected=true]:bg-raised [&_svg]:size-4 [&_svg]:text-muted";
const GROUP =
  "**:[[cmdk-group-heading]]:px-2 **:[[cmdk-group-heading]]:pt-2 **:[[cmdk-group-heading]]:pb-1 **:[[cmdk-group-heading]]:text-xs **:[[cmdk-group-heading]]:font-semibold **:[[cmdk-group-heading]]:text-muted";

/** Everything that can be done, and the latest sessions, found by a few letters. */
export function Palette({ registry, onClose }: { readonly registry: CommandRegistry; readonly onClose: () => void }) {
  const [text, setText] = useState("");
  const [commands] = useState(() => registry.all().filter(({ id }) => id !== "palette"));
  const groups = [...Map.groupBy(commands, ({ group }) => group)].sort(([a], [b]) => placeOf(a) - placeOf(b));
  const then = (work: () => void) => () => {
    onClose();
    // When the dialog has given the focus back: some commands put it elsewhere.
    requestAnimationFrame(work);
  };
  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 bg-black/40" />
        <Dialog.Content
          aria-describedby={undefined}
          className="fixed top-[12vh] left-1/2 z-50 w-[min(36rem,calc(100vw-2rem))] -translate-x-1/2 overflow-hidden rounded-xl border bg-panel shadow-xl"
        >
          <Dialog.Title className="sr-only">Commands</Dialog.Title>
          <Cmdk label="Commands and sessions" loop>
            <div className="flex items-center gap-2 border-b px-3">
              <Search aria-hidden className="size-4 shrink-0 text-muted" />
              <Cmdk.Input
                value={text}
                onValueChange={setText}
                placeholder="What do you want to do?"
                className="h-11 w-full bg-transparent outline-none placeholder:text-muted"
              />
            </div>
            <Cmdk.List className="max-h-[50vh] overflow-y-auto p-1.5">
              <Cmdk.Empty className="p-6 text-center text-muted">Nothing is called that.</Cmdk.Empty>
              {groups.map(([group, own]) => (
                <Cmdk.Group key={group} heading={group} className={GROUP}>
                  {own.map(({ id, label, icon, keys, words, run }) => (
                    <Cmdk.Item
                      key={id}
                      value={`${id} ${label}`}
                      keywords={words === undefined ? [] : [words]}
                      onSelect={then(run)}
                      className={ITEM}
                    >
                      {icon}
                      <span className="min-w-0 flex-1 truncate">{label}</span>
                      {keys !== undefined && <Kbd>{keysText(keys)}</Kbd>}
                    </Cmdk.Item>
                  ))}
                </Cmdk.Group>
              ))}
              <Sessions then={then} />
              <SearchAll text={text} then={then} />
            </Cmdk.List>
          </Cmdk>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

/** What is about the session that is open comes first, what is about the page last. */
const [FIRST, LAST] = [
  ["This session", "Profile", "Go to"],
  ["View", "Help"],
] as const;

function placeOf(group: string): number {
  const first = FIRST.findIndex((name) => name === group);
  return first === -1 ? FIRST.length + LAST.findIndex((name) => name === group) + 1 : first;
}

type Then = (work: () => void) => () => void;

function Sessions({ then }: { readonly then: Then }): ReactNode {
  const { sessions } = useSessionList();
  const [, navigate] = useLocation();
  if (sessions.length === 0) return null;
  return (
    <Cmdk.Group heading="Latest sessions" className={GROUP}>
      {sessions.map((session) => (
        <Cmdk.Item
          key={session.sessionId}
          value={`session ${session.sessionId}`}
          keywords={[nameOf(session), session.agentProfileReference]}
          onSelect={then(() => navigate(paths.session(session.sessionId)))}
          className={ITEM}
        >
          <StatusDot status={statusOf(session)} />
          <span className="min-w-0 flex-1 truncate">{nameOf(session)}</span>
          <span className="shrink-0 text-xs text-muted">{statusOf(session).label}</span>
        </Cmdk.Item>
      ))}
    </Cmdk.Group>
  );
}

/** The palette has the latest sessions; the list finds them all. */
function SearchAll({ text, then }: { readonly text: string; readonly then: Then }) {
  const { setFilter } = useSessionListing();
  const { setSidebarOpen } = useShell();
  if (text.trim() === "") return null;
  const search = (): void => {
    setFilter({ text });
    setSidebarOpen(true);
  };
  return (
    <Cmdk.Group forceMount>
      <Cmdk.Item forceMount value="search all" onSelect={then(search)} className={ITEM}>
        <Search />
        <span className="min-w-0 flex-1 truncate">Search all sessions for “{text}”</span>
      </Cmdk.Item>
    </Cmdk.Group>
  );
}
