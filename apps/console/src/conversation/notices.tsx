import type { ShownBlock } from "@hhopkins/agent-runtime-react";
import {
  CircleAlert,
  CirclePause,
  FileQuestion,
  Gauge,
  Info,
  RotateCw,
  Shrink,
  Unplug,
  type LucideIcon,
} from "lucide-react";
import { visibleName } from "../ui/visible-name.ts";
import { Fold } from "./fold.tsx";
import { LongText } from "./long-text.tsx";
import { restOf, useWholeBlock } from "./use-whole-block.ts";

type Of<T extends ShownBlock["type"]> = Extract<ShownBlock, { type: T }>;

const NOTICES: Readonly<Record<string, { readonly icon: LucideIcon; readonly tone: string }>> = {
  api_retry: { icon: RotateCw, tone: "text-warn" },
  rate_limit: { icon: Gauge, tone: "text-warn" },
  model_error: { icon: CircleAlert, tone: "text-warn" },
  mcp_failed: { icon: Unplug, tone: "text-warn" },
  files_skipped: { icon: FileQuestion, tone: "text-warn" },
  compaction: { icon: Shrink, tone: "text-muted" },
  interrupted: { icon: CirclePause, tone: "text-muted" },
};

/** What happened beside the conversation. */
export function SystemNotice({ block }: { readonly block: Of<"system"> }) {
  if (block.subtype === "injected") return <Folded id={block.id} label="Told by the harness" block={block} />;
  const { icon: Icon, tone } = NOTICES[block.subtype ?? ""] ?? { icon: Info, tone: "text-muted" };
  if (block.content.length > 600)
    return <Folded id={block.id} label={visibleName(block.subtype ?? "Notice")} block={block} />;
  return (
    <p className="flex items-start gap-1.5 text-xs text-muted">
      <Icon aria-hidden className={`mt-0.5 size-3.5 shrink-0 ${tone}`} />
      <span className="min-w-0 wrap-anywhere">{block.content}</span>
    </p>
  );
}

/** What went wrong, by its code, and what to do about it. */
export function ErrorNotice({ block }: { readonly block: Of<"error"> }) {
  return (
    <div className="flex min-w-0 gap-2 rounded-lg border border-bad/40 bg-bad/5 px-3 py-2">
      <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-bad" />
      <div className="min-w-0">
        <p className="font-medium">
          Error
          {block.code !== undefined && (
            <code className="ml-2 font-mono text-xs font-normal text-muted">{visibleName(block.code)}</code>
          )}
        </p>
        <LongText id={block.id} text={block.message} fileName="error.txt" isProse />
      </div>
    </div>
  );
}

function Folded({ id, label, block }: { readonly id: string; readonly label: string; readonly block: Of<"system"> }) {
  const whole = useWholeBlock(block);
  const more = restOf(whole, ({ content }) => content);
  return (
    <Fold id={id} icon={Info} label={label} hint={block.content.slice(0, 120)}>
      <LongText id={id} text={whole.block.content} lines={40} more={more} fileName="notice.txt" />
    </Fold>
  );
}

/** What this version does not know, as it came. */
export function UnknownBlock({ block }: { readonly block: ShownBlock }) {
  const { id, type } = block as { id: string; type: string };
  return (
    <Fold id={id} icon={FileQuestion} label={`Block of an unknown kind: ${visibleName(type)}`} hint="">
      <LongText id={id} text={JSON.stringify(block, null, 2)} lines={40} fileName="block.json" />
    </Fold>
  );
}
