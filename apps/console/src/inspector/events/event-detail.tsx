import { History, X } from "lucide-react";
import { useMemo } from "react";
import { usePastControls } from "../../past/past-controls.ts";
import type { TapeEvent } from "../../past/tape.ts";
import { Button } from "../../ui/button.tsx";
import { CopyButton } from "../../ui/copy-button.tsx";
import { shortType } from "./event-summary.ts";

/** What is shown of an event; all of it can be copied. */
const LONGEST = 100_000;

/** One event as it is. */
export function EventDetail({ event, onClose }: { readonly event: TapeEvent; readonly onClose: () => void }) {
  const { goTo } = usePastControls();
  const json = useMemo(() => JSON.stringify(event, null, 2), [event]);
  return (
    <section aria-label="Event" className="flex max-h-[45%] shrink-0 flex-col border-t">
      <header className="flex items-center gap-1 border-b py-1 pr-1 pl-3">
        <h2 className="min-w-0 flex-1 truncate text-sm font-semibold">
          {event.seq} · {shortType(event.type)}
        </h2>
        <Button tone="ghost" className="h-7 px-2" onClick={() => goTo(event.seq)}>
          <History />
          Show the session here
        </Button>
        <CopyButton label="Copy this event as JSON" text={() => JSON.stringify(event)} />
        <Button tone="ghost" icon className="size-7" aria-label="Close the event" onClick={onClose}>
          <X />
        </Button>
      </header>
      <pre
        tabIndex={0}
        aria-label="Event as JSON"
        className="min-h-0 overflow-auto p-3 font-mono text-xs whitespace-pre-wrap break-words"
      >
        {json.slice(0, LONGEST)}
        {json.length > LONGEST && "\n… copy it for the rest"}
      </pre>
    </section>
  );
}
