import { useTurn } from "@hhopkins/agent-runtime-react";
import { Braces, ChevronRight } from "lucide-react";
import { CopyButton } from "../ui/copy-button.tsx";

/** What the last turn resulted in, where its message asked for a shape. */
export function TurnResult({ sessionId }: { readonly sessionId: string }) {
  const { turn, lastTurn } = useTurn(sessionId);
  const result = turn === undefined ? lastTurn?.result : undefined;
  if (result === undefined) return null;
  const text = JSON.stringify(result, null, 2);
  return (
    <section aria-label="Result" className="shrink-0 border-t bg-panel px-4 py-2">
      <details className="group mx-auto max-w-3xl">
        <summary className="flex min-h-6 items-center gap-2 text-sm font-medium">
          <Braces aria-hidden className="size-4 text-muted" />
          Result of the last turn
          <ChevronRight aria-hidden className="size-4 text-muted transition-transform group-open:rotate-90" />
        </summary>
        <div className="relative mt-2">
          <CopyButton text={() => text} label="Copy the result" className="absolute top-1 right-1" />
          <pre
            tabIndex={0}
            aria-label="Result as JSON"
            className="max-h-64 overflow-auto rounded-md border bg-canvas p-2.5 font-mono text-xs"
          >
            {text}
          </pre>
        </div>
      </details>
    </section>
  );
}
