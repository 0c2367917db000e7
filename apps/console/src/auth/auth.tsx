import { createContext, useContext, useMemo, useState } from "react";
import type { ReactNode } from "react";

export interface Auth {
  readonly status: "signed-out" | "signing-in" | "signed-in" | "failed";
  /** What a person is told where signing in failed or did not begin. */
  readonly reason: string | undefined;
  /** For the provider of the hooks: a token that is good now. */
  readonly getToken: () => Promise<string>;
  readonly signIn: (key: string) => Promise<void>;
  readonly signOut: () => void;
}

const AuthContext = createContext<Auth | undefined>(undefined);

export function AuthProvider({ children }: { readonly children: ReactNode }) {
  const [token, setToken] = useState<string>();
  const auth = useMemo<Auth>(
    () => ({
      status: token === undefined ? "signed-out" : "signed-in",
      reason: undefined,
      getToken: () => (token === undefined ? Promise.reject(new Error("Sign in first.")) : Promise.resolve(token)),
      signIn: (key) => Promise.resolve(setToken(key)),
      signOut: () => setToken(undefined),
    }),
    [token],
  );
  return <AuthContext.Provider value={auth}>{children}</AuthContext.Provider>;
}

export function useAuth(): Auth {
  const auth = useContext(AuthContext);
  if (auth === undefined) throw new Error("useAuth needs an <AuthProvider> above it.");
  return auth;
}
