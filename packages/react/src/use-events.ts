import { useSyncExternalStore } from "react";
import type { ReceivedEvent } from "./event-log.ts";
import { useAgentService } from "./provider.ts";

export interface UseEvents {
  /** The last 1000 events of all sessions that are followed, as they came. */
  readonly events: readonly ReceivedEvent[];
  readonly clearEvents: () => void;
}

/** What arrives, for people who want to see it. Begins with the hook, or with the provider's `debug`. */
export function useEvents(): UseEvents {
  const { events: log } = useAgentService();
  const events = useSyncExternalStore(log.subscribe, log.getSnapshot, log.getServerSnapshot);
  return { events, clearEvents: log.clear };
}
