import { DEFAULT_PROFILE, type PersistedSessionData, type PersistenceAdapter } from "@hhopkins/agent-runtime";

/** A user's adapter with the nine methods and nothing else; `calls` has what was called, in order. */
export function nineMethodAdapter(): PersistenceAdapter & {
  readonly calls: string[];
  readonly sessions: Map<string, PersistedSessionData>;
} {
  const calls: string[] = [];
  const sessions = new Map<string, PersistedSessionData>();
  const change = (sessionId: string, name: string, more: Partial<PersistedSessionData>): void => {
    calls.push(name);
    const known = sessions.get(sessionId);
    if (known === undefined) throw new Error(`no session ${sessionId}`);
    sessions.set(sessionId, { ...known, ...more });
  };
  return {
    calls,
    sessions,
    async listAllSessions() {
      calls.push("listAllSessions");
      return [...sessions.values()].map(({ rawTranscript: _transcript, workspaceFiles: _files, ...item }) => item);
    },
    async loadSession(sessionId) {
      calls.push("loadSession");
      return sessions.get(sessionId) ?? null;
    },
    async createSessionRecord(session) {
      calls.push("createSessionRecord");
      sessions.set(session.sessionId, { ...session, workspaceFiles: [] });
    },
    updateSessionRecord: async (sessionId, updates) => change(sessionId, "updateSessionRecord", updates),
    saveTranscript: async (sessionId, rawTranscript) => change(sessionId, "saveTranscript", { rawTranscript }),
    async saveWorkspaceFile(sessionId, file) {
      const others = (sessions.get(sessionId)?.workspaceFiles ?? []).filter(({ path }) => path !== file.path);
      change(sessionId, "saveWorkspaceFile", { workspaceFiles: [...others, file] });
    },
    async deleteSessionFile(sessionId, path) {
      const others = (sessions.get(sessionId)?.workspaceFiles ?? []).filter((file) => file.path !== path);
      change(sessionId, "deleteSessionFile", { workspaceFiles: others });
    },
    async listAgentProfiles() {
      calls.push("listAgentProfiles");
      return [{ id: "default", name: "Default Agent" }];
    },
    async loadAgentProfile() {
      calls.push("loadAgentProfile");
      return DEFAULT_PROFILE;
    },
  };
}
