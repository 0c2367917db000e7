import { AgentServiceProvider } from "@hhopkins/agent-runtime-react";
import { Router } from "wouter";
import { AuthProvider, useAuth } from "./auth/auth.tsx";
import { useHashLocation } from "./hash-location.ts";
import { Shell } from "./shell/shell.tsx";
import { SignInPage } from "./shell/sign-in-page.tsx";
import { ErrorBoundary } from "./ui/error-boundary.tsx";
import { ToastProvider } from "./ui/toast.tsx";
import { TooltipProvider } from "./ui/tooltip.tsx";

export function App() {
  return (
    <AuthProvider>
      <Router hook={useHashLocation}>
        <TooltipProvider>
          <ToastProvider>
            <ErrorBoundary>
              <SignedIn />
            </ErrorBoundary>
          </ToastProvider>
        </TooltipProvider>
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
