import type { AgentClient } from "@hhopkins/agent-runtime-client";
import type { SessionListItem } from "@hhopkins/agent-runtime-protocol";
import { byId, make, setChildren } from "./elements.ts";

export interface SessionList {
  refresh(client: AgentClient): Promise<void>;
  /** Marks the session that is open. */
  mark(sessionId: string | undefined): void;
}

/** The latest sessions, to choose from. */
export function createSessionList(onChoose: (sessionId: string) => void): SessionList {
  const list = byId("session-list", HTMLUListElement);
  let sessions: readonly SessionListItem[] = [];
  let open: string | undefined;
  const draw = (): void =>
    setChildren(
      list,
      sessions.map((session) => item(session, session.sessionId === open, onChoose)),
    );
  return {
    async refresh(client) {
      sessions = (await client.listSessions({ limit: 100 })).sessions;
      draw();
    },
    mark(sessionId) {
      open = sessionId;
      draw();
    },
  };
}

function item(session: SessionListItem, isOpen: boolean, onChoose: (sessionId: string) => void): HTMLLIElement {
  const button = make("button", { class: "row", testId: "session-item" }, [
    make("span", { text: session.name ?? `Session ${session.sessionId.slice(0, 8)}` }),
    make("span", { text: timeText(session.lastActivity ?? session.createdAt) }),
  ]);
  button.type = "button";
  button.dataset["sessionId"] = session.sessionId;
  button.setAttribute("aria-current", String(isOpen));
  button.addEventListener("click", () => onChoose(session.sessionId));
  return make("li", {}, [button]);
}

function timeText(instant: string): string {
  const date = new Date(instant);
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday
    ? date.toLocaleTimeString([], { timeStyle: "short" })
    : date.toLocaleDateString([], { dateStyle: "short" });
}
