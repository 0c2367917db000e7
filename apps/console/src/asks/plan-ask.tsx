import type { Ask } from "@hhopkins/agent-runtime-react";
import { Check } from "lucide-react";
import { Markdown } from "../conversation/markdown/markdown.tsx";
import { Button } from "../ui/button.tsx";
import type { Answering } from "./answering.ts";
import { DenyField } from "./deny-field.tsx";

/** Is this how to go on? */
export function PlanAsk({ ask, answering }: { readonly ask: Ask; readonly answering: Answering }) {
  const { plan, permissionMode } = ask.details ?? {};
  return (
    <>
      <div
        tabIndex={0}
        role="region"
        aria-label="Plan"
        className="max-h-80 overflow-auto rounded-md border bg-panel px-3 py-2"
      >
        <Markdown text={typeof plan === "string" ? plan : ""} isStreaming={false} />
      </div>
      {ask.truncated === true && (
        <p className="text-xs text-warn">
          This is the beginning of the plan; its call in the conversation has all of it.
        </p>
      )}
      {typeof permissionMode === "string" && (
        <p className="text-xs text-muted">Once it is approved the session's permission mode is {permissionMode}.</p>
      )}
      <div className="flex flex-wrap items-center gap-2">
        <Button tone="accent" onClick={() => answering.allow()}>
          <Check /> Approve
        </Button>
        <DenyField answering={answering} label="Keep planning" />
      </div>
    </>
  );
}
