import { createContext, useContext, useMemo, useSyncExternalStore } from "react";
import type { ReactNode } from "react";
import type { SessionToken, SignInState } from "./session-token.ts";
import { tabSignIn } from "./tab-sign-in.ts";

export interface Auth {
  readonly status: SignInState["status"];
  /** What a person is told: why signing in failed, ended, or takes so long. */
  readonly reason: string | undefined;
  /** For the provider of the hooks: a token that is good now. */
  readonly getToken: SessionToken["getToken"];
  readonly signIn: SessionToken["signIn"];
  readonly signOut: SessionToken["signOut"];
}

const AuthContext = createContext<Auth | undefined>(undefined);

let ofTab: SessionToken | undefined;

/** A tab signs in once, however often React renders, and before anything looks at its address. */
export function AuthProvider({ children }: { readonly children: ReactNode }) {
  const sessionToken = (ofTab ??= tabSignIn());
  const state = useSyncExternalStore(sessionToken.subscribe, sessionToken.getState);
  const auth = useMemo<Auth>(() => {
    const { getToken, signIn, signOut } = sessionToken;
    return { status: state.status, reason: state.reason, getToken, signIn, signOut };
  }, [sessionToken, state]);
  return <AuthContext.Provider value={auth}>{children}</AuthContext.Provider>;
}

export function useAuth(): Auth {
  const auth = useContext(AuthContext);
  if (auth === undefined) throw new Error("useAuth needs an <AuthProvider> above it.");
  return auth;
}
