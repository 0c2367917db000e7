import { AgentServiceProvider } from "@hhopkins/agent-runtime-react";
import { Router } from "wouter";
import { useHashLocation } from "wouter/use-hash-location";
import { AuthProvider, useAuth } from "./auth/auth.tsx";
import { Shell } from "./shell/shell.tsx";
import { SignInPage } from "./shell/sign-in-page.tsx";

export function App() {
  return (
    <AuthProvider>
      <Router hook={useHashLocation}>
        <SignedIn />
      </Router>
    </AuthProvider>
  );
}

function SignedIn() {
  const { status, getToken } = useAuth();
  if (status !== "signed-in") return <SignInPage />;
  return (
    <AgentServiceProvider apiUrl={location.origin} getToken={getToken}>
      <Shell />
    </AgentServiceProvider>
  );
}
