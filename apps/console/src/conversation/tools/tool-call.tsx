import type { ShownBlock, ToolCallItem } from "@hhopkins/agent-runtime-react";
import {
  Bot,
  Check,
  ChevronRight,
  CircleDashed,
  CircleX,
  FilePen,
  FileText,
  Globe,
  ListTodo,
  LoaderCircle,
  Plug,
  Search,
  SquareTerminal,
  Wrench,
  type LucideIcon,
} from "lucide-react";
import { durationText } from "../../ui/format.ts";
import { visibleName } from "../../ui/visible-name.ts";
import { LongText } from "../long-text.tsx";
import { useFold } from "../place.tsx";
import { terminalText } from "../terminal-text.ts";
import { restOf, useWholeBlock } from "../use-whole-block.ts";
import { ToolInput } from "./tool-views.tsx";
import { textField, toolSummary, toolTitle } from "./tool-input.ts";

type Result = Extract<ShownBlock, { type: "tool_result" }>;
type Status = ToolCallItem["call"]["status"];

const ICONS: Readonly<Record<string, LucideIcon>> = {
  Bash: SquareTerminal,
  Read: FileText,
  Write: FilePen,
  Edit: FilePen,
  MultiEdit: FilePen,
  NotebookEdit: FilePen,
  Grep: Search,
  Glob: Search,
  LS: Search,
  WebFetch: Globe,
  WebSearch: Globe,
  TodoWrite: ListTodo,
  Agent: Bot,
  Task: Bot,
};
/** Calls of which one wants to see what they do. */
const OPEN = new Set(["Bash", "Edit", "MultiEdit", "Write", "TodoWrite"]);

export interface ToolCallProps {
  readonly item: ToolCallItem;
  readonly isStreaming: boolean;
}

/** A tool's call with what came of it. */
export function ToolCall({ item: { call, result }, isStreaming }: ToolCallProps) {
  const [isOpen, setOpen] = useFold(call.id, OPEN.has(call.toolName));
  const Icon = ICONS[call.toolName] ?? (call.toolName.startsWith("mcp__") ? Plug : Wrench);
  const title = visibleName(toolTitle(call.toolName));
  // Open, it has its file as a link below.
  const summary =
    isOpen && textField(call.input, "file_path") !== undefined ? "" : toolSummary(call.toolName, call.input);
  return (
    <div className="min-w-0 rounded-lg border bg-panel">
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        className="flex min-h-8 w-full min-w-0 items-center gap-2 rounded-lg px-2.5 py-1 text-left hover:bg-raised/60"
      >
        <Icon aria-hidden className="size-4 shrink-0 text-muted" />
        <span className="shrink-0 font-medium">{title}</span>
        <bdi className="min-w-0 flex-1 truncate font-mono text-xs text-muted">{visibleName(summary)}</bdi>
        {result?.durationMs !== undefined && (
          <span className="shrink-0 text-xs text-muted tabular-nums">{durationText(result.durationMs)}</span>
        )}
        <StatusIcon status={call.status} />
        <ChevronRight
          aria-hidden
          className={`size-3.5 shrink-0 text-muted transition-transform ${isOpen ? "rotate-90" : ""}`}
        />
      </button>
      {call.progress !== undefined && call.status === "running" && (
        <p role="status" className="truncate border-t px-2.5 py-1 text-xs text-muted">
          {call.progress}
        </p>
      )}
      {isOpen && (
        <div className="flex min-w-0 flex-col border-t text-sm">
          <ToolInput call={call} isStreaming={isStreaming} />
          {result !== undefined && <ToolResult toolName={call.toolName} result={result} />}
        </div>
      )}
    </div>
  );
}

const STATUS: Readonly<Record<Status, { readonly icon: LucideIcon; readonly look: string; readonly text: string }>> = {
  pending: { icon: CircleDashed, look: "text-muted", text: "not begun" },
  running: { icon: LoaderCircle, look: "animate-spin text-accent", text: "running" },
  success: { icon: Check, look: "text-good", text: "done" },
  error: { icon: CircleX, look: "text-bad", text: "failed" },
};

function StatusIcon({ status }: { readonly status: Status }) {
  const { icon: Icon, look, text } = STATUS[status] ?? STATUS.pending;
  return (
    <span title={text} className="relative shrink-0">
      <Icon aria-hidden className={`size-4 ${look}`} />
      <span className="sr-only">{text}</span>
    </span>
  );
}

/** Results that only say that it went well are what the call shows already. */
const QUIET = new Set(["Edit", "MultiEdit", "Write", "TodoWrite"]);

function ToolResult({ toolName, result }: { readonly toolName: string; readonly result: Result }) {
  const whole = useWholeBlock(result);
  const { isError = false } = result;
  if (QUIET.has(toolName) && !isError) return null;
  const more = restOf(whole, ({ content }) => content);
  if (result.content === "") return <p className="border-t px-2.5 py-1.5 text-xs text-muted">No output.</p>;
  return (
    <div className={`border-t px-2.5 py-1.5 ${isError ? "bg-bad/5" : ""}`}>
      {isError && <p className="text-xs font-medium text-bad">Failed</p>}
      <LongText
        id={result.id}
        text={whole.block.content}
        format={terminalText}
        more={more}
        fileName="output.txt"
        className={isError ? undefined : "text-muted"}
      />
    </div>
  );
}

/** A result whose call is not there. */
export function OrphanedResult({ block }: { readonly block: Result }) {
  return (
    <div className="min-w-0 rounded-lg border bg-panel text-sm">
      <p className="px-2.5 py-1.5 font-medium">Result of an earlier call</p>
      <ToolResult toolName="" result={block} />
    </div>
  );
}
