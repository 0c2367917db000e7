import { useComposer } from "@hhopkins/agent-runtime-react";
import { Button } from "../ui/button.tsx";

export function Composer({ sessionId }: { readonly sessionId: string }) {
  const { formProps, inputProps, canSend, isRunning, interrupt } = useComposer(sessionId);
  return (
    <form {...formProps} className="flex gap-2 border-t bg-panel p-3">
      <textarea {...inputProps} aria-label="Message" className="min-w-0 flex-1 rounded-md border p-2" />
      <Button type="submit" tone="accent" disabled={!canSend}>
        Send
      </Button>
      {isRunning && <Button onClick={() => void interrupt()}>Stop</Button>}
    </form>
  );
}
