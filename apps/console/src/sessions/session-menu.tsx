import { useAgentService } from "@hhopkins/agent-runtime-react";
import type { SessionListItem } from "@hhopkins/agent-runtime-protocol";
import { Copy, Ellipsis, Moon, Trash2 } from "lucide-react";
import { useState } from "react";
import type { ReactNode } from "react";
import { Button } from "../ui/button.tsx";
import { Menu } from "../ui/menu.tsx";
import { useToast } from "../ui/toast.tsx";
import { DeleteSession } from "./delete-session.tsx";
import { nameOf } from "./session-name.ts";
import { errorText } from "../ui/error-text.ts";

/** What can be done to a session from the list. The menu is made when it is asked for: a list has many rows. */
export function SessionMenu({ session }: { readonly session: SessionListItem }) {
  const [isMade, setMade] = useState(false);
  const trigger = (
    <Button
      tone="ghost"
      icon
      className="size-6"
      aria-label={`More of ${nameOf(session)}`}
      aria-haspopup="menu"
      {...(isMade ? {} : { onClick: () => setMade(true) })}
    >
      <Ellipsis />
    </Button>
  );
  return isMade ? <MadeMenu session={session} trigger={trigger} /> : trigger;
}

function MadeMenu({ session, trigger }: { readonly session: SessionListItem; readonly trigger: ReactNode }) {
  const { sessionId, runtime } = session;
  const { client } = useAgentService();
  const toast = useToast();
  const [isAsking, setAsking] = useState(false);
  const name = nameOf(session);
  const attempt = (work: Promise<unknown>, done: string): void => {
    work.then(
      () => toast(done),
      (error: unknown) => toast(errorText(error), { tone: "bad" }),
    );
  };
  return (
    <>
      <Menu
        defaultOpen
        trigger={trigger}
        items={[
          {
            label: "Copy id",
            icon: <Copy />,
            onSelect: () => attempt(navigator.clipboard.writeText(sessionId), "The id is copied."),
          },
          {
            label: "Put to sleep",
            icon: <Moon />,
            disabled: !runtime.isLoaded,
            onSelect: () => attempt(client.unload(sessionId), `${name} is saved and asleep.`),
          },
          { label: "Delete…", icon: <Trash2 />, danger: true, onSelect: () => setAsking(true) },
        ]}
      />
      {isAsking && <DeleteSession sessionId={sessionId} name={name} onClose={() => setAsking(false)} />}
    </>
  );
}
