import { useSessionList } from "@hhopkins/agent-runtime-react";
import { Link } from "wouter";
import { paths } from "../routes.ts";

export function SessionList() {
  const { sessions, error } = useSessionList();
  return (
    <ul className="min-h-0 flex-1 overflow-auto p-2">
      {error && <li role="alert">{error.message}</li>}
      {sessions.map(({ sessionId, name }) => (
        <li key={sessionId}>
          <Link href={paths.session(sessionId)} className="block truncate rounded-md px-2 py-1 hover:bg-raised">
            {name ?? sessionId}
          </Link>
        </li>
      ))}
    </ul>
  );
}
