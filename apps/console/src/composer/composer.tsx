import { usePast } from "../past/past.tsx";
import { MessageForm } from "./message-form.tsx";
import { QueueList } from "./queue-list.tsx";

/** Where messages are written, and those that wait. */
export function Composer({ sessionId }: { readonly sessionId: string }) {
  const past = usePast();
  return (
    <div className="shrink-0 border-t bg-panel px-3 py-2 sm:px-4 sm:py-3">
      <div className="mx-auto flex max-w-3xl flex-col gap-2">
        {past === undefined ? (
          <>
            <QueueList sessionId={sessionId} />
            <MessageForm sessionId={sessionId} />
          </>
        ) : (
          <p className="py-1 text-center text-sm text-muted">
            This is the session as it was at event {past.seq}. Go back to now to say something.
          </p>
        )}
      </div>
    </div>
  );
}
