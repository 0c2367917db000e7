import { useSessionStore, type ShownBlock } from "@hhopkins/agent-runtime-react";
import { Clock, RotateCw, Trash2 } from "lucide-react";
import { usePast } from "../past/past.tsx";
import { Button } from "../ui/button.tsx";
import { Attachments } from "./attachments.tsx";
import { LongText } from "./long-text.tsx";
import { usePlace } from "./place.tsx";
import { restOf, useWholeBlock } from "./use-whole-block.ts";

type Block = Extract<ShownBlock, { type: "user_message" }>;

/** What somebody told the agent, word for word. */
export function UserMessage({ block }: { readonly block: Block }) {
  const whole = useWholeBlock(block);
  const more = restOf(whole, ({ content }) => content);
  const isFailed = "delivery" in block && block.delivery === "failed";
  return (
    <div
      className={`ml-auto flex max-w-[min(42rem,92%)] min-w-0 flex-col gap-2 rounded-2xl rounded-br-md border px-3.5 py-2 ${isFailed ? "border-bad/50 bg-bad/5" : "border-transparent bg-raised"}`}
    >
      <span className="sr-only">Message:</span>
      {block.content !== "" && (
        <LongText id={block.id} text={whole.block.content} lines={24} more={more} fileName="message.txt" isProse />
      )}
      {block.attachments !== undefined && <Attachments messageId={block.id} attachments={block.attachments} />}
      {"delivery" in block && <DeliveryState block={block} />}
    </div>
  );
}

/** Where a message of our own is that the log has no block of yet. */
function DeliveryState({ block }: { readonly block: Extract<Block, { delivery: unknown }> }) {
  const store = useSessionStore(usePlace().sessionId);
  const isPast = usePast() !== undefined;
  const { delivery, error, id } = block;
  if (delivery !== "failed")
    return (
      <p role="status" className="flex items-center justify-end gap-1 text-xs text-muted">
        <Clock aria-hidden className="size-3" />
        {delivery === "sending" ? "Sending…" : "Waiting for its turn"}
      </p>
    );
  return (
    <div className="flex flex-wrap items-center justify-end gap-1.5 text-sm">
      <p role="alert" className="mr-auto min-w-0 wrap-anywhere text-bad">
        Not sent: {error?.message ?? "no reason is known."}
      </p>
      {!isPast && (
        <>
          <Button onClick={() => void store.retryMessage(id)}>
            <RotateCw />
            Send again
          </Button>
          <Button tone="ghost" onClick={() => store.dropMessage(id)}>
            <Trash2 />
            Drop
          </Button>
        </>
      )}
    </div>
  );
}
