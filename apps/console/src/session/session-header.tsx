import { useAgentSession } from "@hhopkins/agent-runtime-react";

export function SessionHeader({ sessionId }: { readonly sessionId: string }) {
  const { session, error } = useAgentSession(sessionId);
  return (
    <header className="flex items-center gap-2 border-b bg-panel px-4 py-2">
      <h1 className="truncate font-semibold">{session?.name ?? sessionId}</h1>
      {error && <span role="alert">{error.message}</span>}
    </header>
  );
}
