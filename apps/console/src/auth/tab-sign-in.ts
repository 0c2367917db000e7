import { createAgentClient } from "@hhopkins/agent-runtime-client";
import { takeKeyOfAddress } from "./key-of-address.ts";
import { otherTabs } from "./other-tabs.ts";
import { SessionToken, type TokenStorage } from "./session-token.ts";

const STORED = "agent-runtime.token";

/** The tab's storage, which ends with it; without one a reload signs out. */
const storage: TokenStorage = {
  read() {
    try {
      return sessionStorage.getItem(STORED);
    } catch {
      return null;
    }
  },
  write(token) {
    try {
      if (token === null) sessionStorage.removeItem(STORED);
      else sessionStorage.setItem(STORED, token);
    } catch {
      // It is in memory.
    }
  },
};

/** Signs this tab in: by the key of its address, the token that it has kept, or another tab's. */
export function tabSignIn(): SessionToken {
  const sessionToken = new SessionToken({
    exchange: (bearer, body) => createAgentClient({ baseUrl: location.origin, apiKey: bearer }).createToken(body),
    storage,
    ...("BroadcastChannel" in globalThis ? { tabs: otherTabs() } : {}),
    key: takeKeyOfAddress(globalThis),
  });
  // A link that is opened in a tab that is open already. This is heard before anything that shows addresses.
  addEventListener("hashchange", () => {
    const key = takeKeyOfAddress(globalThis);
    if (key !== undefined) void sessionToken.signIn(key);
  });
  return sessionToken;
}
