import { useAgentService, type Ask } from "@hhopkins/agent-runtime-react";
import { Check, CheckCheck, Pencil } from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { editsOf, textField, toolTitle } from "../conversation/tools/tool-input.ts";
import { Button } from "../ui/button.tsx";
import { visibleName } from "../ui/visible-name.ts";
import type { Answering } from "./answering.ts";
import { DenyField } from "./deny-field.tsx";
import { InputEditor } from "./input-editor.tsx";

const DiffView = lazy(() => import("../diff/diff-view.tsx").then(({ DiffView: View }) => ({ default: View })));

type Input = Readonly<Record<string, unknown>>;

interface PermissionAskProps {
  readonly sessionId: string;
  readonly ask: Ask;
  readonly answering: Answering;
}

/** May this tool be called so? Yes, yes to all such calls, no, or: but so. */
export function PermissionAsk({ sessionId, ask, answering }: PermissionAskProps) {
  const { toolName, input, isCut } = useWholeInput(sessionId, ask);
  const [isEditing, setEditing] = useState(false);
  if (isEditing && input !== undefined) {
    return (
      <InputEditor
        input={input}
        onCancel={() => setEditing(false)}
        onSave={(changed) => answering.allow({ input: changed })}
      />
    );
  }
  return (
    <>
      <CallView toolName={toolName} input={input ?? {}} />
      {isCut && <p className="text-xs text-warn">This is the beginning of it; the rest is being fetched.</p>}
      <div className="flex flex-wrap items-center gap-2">
        <Button tone="accent" onClick={() => answering.allow()}>
          <Check /> Allow once
        </Button>
        {ask.rule !== undefined && (
          <Button
            title={`From now on ${ask.rule} is not asked any more.`}
            onClick={() => answering.allow({ scope: "session" })}
          >
            <CheckCheck /> Allow for the session
          </Button>
        )}
        <Button disabled={input === undefined || isCut} onClick={() => setEditing(true)}>
          <Pencil /> Change…
        </Button>
        <DenyField answering={answering} />
      </div>
      {ask.rule !== undefined && (
        <p className="text-xs text-muted">
          For the session: <code className="font-mono break-all">{visibleName(ask.rule)}</code>
        </p>
      )}
    </>
  );
}

function CallView({ toolName, input }: { readonly toolName: string; readonly input: Input }) {
  const path = textField(input, "file_path");
  const edits = editsOf(toolName, input);
  const command = toolName === "Bash" ? textField(input, "command") : undefined;
  return (
    <div className="min-w-0 overflow-hidden rounded-md border bg-panel">
      <p className="flex gap-2 border-b px-2.5 py-1 text-xs text-muted">
        <span className="font-medium text-ink">{visibleName(toolTitle(toolName))}</span>
        {path !== undefined && <span className="font-mono break-all">{visibleName(path)}</span>}
      </p>
      {edits === undefined ? (
        <Code text={command ?? JSON.stringify(input, null, 2)} />
      ) : (
        <div className="max-h-64 overflow-auto" tabIndex={0} role="region" aria-label="Changes">
          <Suspense fallback={<p className="px-3 py-2 text-xs text-muted">…</p>}>
            {edits.map(({ before, after }, place) => (
              <DiffView key={place} before={before} after={after} />
            ))}
          </Suspense>
        </div>
      )}
    </div>
  );
}

/** By it a person decides: what would hide, or turn around, what is read stands as a number. */
function Code({ text }: { readonly text: string }) {
  const shown = text
    .split(/(\n|\t)/)
    .map((part) => (part === "\n" || part === "\t" ? part : visibleName(part)))
    .join("");
  return (
    <pre
      dir="ltr"
      tabIndex={0}
      aria-label="Call"
      className="max-h-64 overflow-auto px-2.5 py-1.5 font-mono text-xs break-all whitespace-pre-wrap"
    >
      {shown}
    </pre>
  );
}

/** An ask's call; the state cuts long ones, and the block has them whole. */
function useWholeInput(sessionId: string, { askId, toolUseId, conversationId, truncated, details = {} }: Ask) {
  const { client } = useAgentService();
  const [whole, setWhole] = useState<{ readonly askId: string; readonly input: Input }>();
  const toolName = typeof details["toolName"] === "string" ? details["toolName"] : "a tool";
  const given =
    typeof details["input"] === "object" && details["input"] !== null ? (details["input"] as Input) : undefined;
  const isCut = truncated === true && whole?.askId !== askId;
  useEffect(() => {
    if (!isCut || toolUseId === undefined) return;
    let isLeft = false;
    client.getBlocks(sessionId, { conversation: conversationId, limit: 100 }).then(
      ({ blocks }) => {
        const call = blocks.find((block) => block.type === "tool_use" && block.toolUseId === toolUseId);
        if (!isLeft && call?.type === "tool_use") setWhole({ askId, input: call.input });
      },
      // It stays marked as cut.
      () => {},
    );
    return () => {
      isLeft = true;
    };
  }, [client, sessionId, askId, conversationId, toolUseId, isCut]);
  return { toolName, input: whole?.askId === askId ? whole.input : given, isCut };
}
