import type { ToolCallItem } from "@hhopkins/agent-runtime-react";
import { Circle, CircleCheck, CircleDot } from "lucide-react";
import { lazy, Suspense } from "react";
import { Link } from "wouter";
import { CopyButton } from "../../ui/copy-button.tsx";
import { visibleName } from "../../ui/visible-name.ts";
import { LongText } from "../long-text.tsx";
import { useFold, usePanelPath } from "../place.tsx";
import { restOf, useWholeBlock } from "../use-whole-block.ts";
import { editsOf, textField, todosOf, workspacePath, type Edit, type Todo, type TodoStatus } from "./tool-input.ts";

const DiffView = lazy(() => import("../../diff/diff-view.tsx").then(({ DiffView: View }) => ({ default: View })));

type Call = ToolCallItem["call"];

/** What a tool was asked to do, as suits the tool. */
export function ToolInput({ call, isStreaming }: { readonly call: Call; readonly isStreaming: boolean }) {
  const whole = useWholeBlock(call);
  if (call.partialInput !== undefined && (isStreaming || Object.keys(call.input).length === 0))
    return <BeingWritten json={call.partialInput} />;
  const { toolName, input } = whole.block;
  const more = restOf(whole, ({ input: all }) => jsonOf(all));
  const path = textField(input, "file_path") ?? textField(input, "notebook_path");
  const edits = editsOf(toolName, input);
  if (edits !== undefined && !whole.isCut)
    return (
      <>
        <PathLine path={path} />
        <Edits id={call.id} edits={edits} />
      </>
    );
  const todos = todosOf(toolName, input);
  if (todos !== undefined) return <Todos todos={todos} />;
  const command = textField(input, "command");
  if (toolName === "Bash" && command !== undefined && !whole.isCut) return <Command id={call.id} command={command} />;
  if (toolName === "Read" && path !== undefined) return <PathLine path={path} note={rangeOf(input)} />;
  return (
    <>
      <PathLine path={path} />
      <div className="px-2.5 py-1.5">
        <LongText id={`${call.id}/input`} text={jsonOf(input)} more={more} fileName="input.json" lines={10} />
      </div>
    </>
  );
}

/** The end of an input that is still being written. */
function BeingWritten({ json }: { readonly json: string }) {
  return (
    <pre dir="ltr" className="px-2.5 py-1.5 font-mono text-xs wrap-anywhere whitespace-pre-wrap text-muted">
      {json.length > 600 ? `…${json.slice(-600)}` : json}
    </pre>
  );
}

function jsonOf(input: object): string {
  return JSON.stringify(input, null, 2);
}

function rangeOf(input: Readonly<Record<string, unknown>>): string | undefined {
  const { offset, limit } = input;
  if (typeof offset !== "number" && typeof limit !== "number") return undefined;
  const from = typeof offset === "number" ? offset : 1;
  return typeof limit === "number" ? `lines ${from}–${from + limit - 1}` : `from line ${from}`;
}

/** The file of a call, which leads to it where it is in the workspace. */
function PathLine({ path, note }: { readonly path: string | undefined; readonly note?: string | undefined }) {
  const inside = path === undefined ? undefined : workspacePath(path);
  const href = usePanelPath("files", inside);
  if (path === undefined) return null;
  const name = <bdi className="wrap-anywhere">{visibleName(path)}</bdi>;
  return (
    <p className="px-2.5 py-1.5 font-mono text-xs">
      {inside === undefined ? (
        name
      ) : (
        <Link href={href} className="text-accent underline underline-offset-2">
          {name}
        </Link>
      )}
      {note !== undefined && <span className="ml-2 text-muted">{note}</span>}
    </p>
  );
}

const FOLDED_LINES = 24;

function Edits({ id, edits }: { readonly id: string; readonly edits: readonly Edit[] }) {
  const [isOpen, setOpen] = useFold(`${id}/diff`, false);
  const lines = edits.reduce((sum, { before, after }) => sum + linesOf(before) + linesOf(after), 0);
  return (
    <div className="min-w-0 border-t">
      <Suspense fallback={<p className="px-3 py-2 text-xs text-muted">…</p>}>
        {edits.slice(0, isOpen ? 100 : 5).map(({ before, after }, index) => (
          <DiffView key={index} before={before} after={after} most={isOpen ? 2000 : FOLDED_LINES} />
        ))}
      </Suspense>
      {lines > FOLDED_LINES && (
        <button
          type="button"
          onClick={() => setOpen(!isOpen)}
          className="min-h-7 w-full border-t text-xs text-muted hover:bg-raised hover:text-ink"
        >
          {isOpen ? "Show less" : "Show all"}
        </button>
      )}
    </div>
  );
}

function linesOf(text: string): number {
  return text === "" ? 0 : text.split("\n").length;
}

function Command({ id, command }: { readonly id: string; readonly command: string }) {
  return (
    <div className="group/command relative flex gap-2 px-2.5 py-1.5">
      <span aria-hidden className="font-mono text-[0.8125rem] leading-5 text-accent select-none">
        $
      </span>
      <div className="min-w-0 flex-1">
        <LongText id={`${id}/command`} text={command} lines={8} fileName="command.sh" />
      </div>
      <CopyButton
        label="Copy command"
        text={() => command}
        className="-my-1 shrink-0 opacity-0 group-focus-within/command:opacity-100 group-hover/command:opacity-100"
      />
    </div>
  );
}

const TODO_LOOKS: Readonly<
  Record<TodoStatus, { readonly icon: typeof Circle; readonly look: string; readonly text: string }>
> = {
  pending: { icon: Circle, look: "text-muted", text: "to do" },
  in_progress: { icon: CircleDot, look: "text-accent", text: "in progress" },
  completed: { icon: CircleCheck, look: "text-good", text: "done" },
};

function Todos({ todos }: { readonly todos: readonly Todo[] }) {
  return (
    <ul aria-label="To do" className="flex flex-col gap-1 px-2.5 py-2">
      {todos.slice(0, 100).map(({ text, status }, index) => {
        const { icon: Icon, look, text: name } = TODO_LOOKS[status];
        return (
          <li key={index} className="flex items-start gap-2">
            <Icon role="img" aria-label={name} className={`mt-0.5 size-4 shrink-0 ${look}`} />
            <span className={status === "completed" ? "text-muted line-through" : ""}>{text}</span>
          </li>
        );
      })}
    </ul>
  );
}
