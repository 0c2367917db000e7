import {
  createAgentClient,
  createSessionListStore,
  createSessionStores,
  type AgentClient,
  type AgentClientOptions,
  type SessionListStore,
  type SessionStores,
} from "@hhopkins/agent-runtime-client";
import { EventLog } from "./event-log.ts";

/** What the components under one provider share: one client, one store a session, one list. */
export interface AgentService {
  readonly client: AgentClient;
  readonly stores: SessionStores;
  readonly list: SessionListStore;
  readonly events: EventLog;
}

/** Opens no line: that does whoever subscribes. */
export function createAgentService(options: AgentClientOptions): AgentService {
  const client = createAgentClient(options);
  const events = new EventLog();
  return {
    client,
    stores: createSessionStores(client, { onEvent: (sessionId, event) => events.add(sessionId, event) }),
    list: createSessionListStore(client),
    events,
  };
}
