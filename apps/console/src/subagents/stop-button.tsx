import { useAgentService } from "@hhopkins/agent-runtime-react";
import { Square } from "lucide-react";
import { useState } from "react";
import { usePast } from "../past/past.tsx";
import { Button } from "../ui/button.tsx";
import { useToast } from "../ui/toast.tsx";
import { errorText } from "../ui/error-text.ts";

export interface StopSubagentProps {
  readonly sessionId: string;
  readonly subagentId: string;
  /** For whom several of these stand beside each other. */
  readonly name: string;
}

/** Stops one subagent; its caller is told so and goes on. */
export function StopSubagent({ sessionId, subagentId, name }: StopSubagentProps) {
  const { client } = useAgentService();
  const toast = useToast();
  const isPast = usePast() !== undefined;
  const [isBusy, setBusy] = useState(false);
  if (isPast) return null;
  const stop = async (): Promise<void> => {
    setBusy(true);
    try {
      await client.stopSubagent(sessionId, subagentId);
    } catch (error) {
      toast(`It was not stopped: ${errorText(error)}`, { tone: "bad" });
    } finally {
      setBusy(false);
    }
  };
  return (
    <Button className="h-7 px-2 text-xs" aria-label={`Stop ${name}`} disabled={isBusy} onClick={() => void stop()}>
      <Square />
      Stop
    </Button>
  );
}
