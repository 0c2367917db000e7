import { KeyRound } from "lucide-react";
import { useState } from "react";
import { useAuth } from "../auth/auth.tsx";
import { Button } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import { Input } from "../ui/input.tsx";
import { useConsoleInfo } from "./console-info.ts";
import { Logo } from "./logo.tsx";
import { useTitle } from "./use-title.ts";

/** For who is not signed in: how one gets in, and why it did not work. */
export function SignInPage() {
  useTitle("Sign in");
  const { status, reason, signIn } = useAuth();
  const { version } = useConsoleInfo();
  const [key, setKey] = useState("");
  const isBusy = status === "signing-in";
  return (
    <main className="grid min-h-dvh place-items-center p-4">
      <div className="flex w-full max-w-sm flex-col gap-5">
        <h1 className="flex items-center justify-center gap-2 text-lg font-semibold">
          <Logo />
          Agent Runtime
        </h1>
        <form
          aria-label="Sign in"
          className="flex flex-col gap-4 rounded-xl border bg-panel p-6 shadow-sm"
          onSubmit={(event) => {
            event.preventDefault();
            void signIn(key.trim());
            // It is not kept anywhere in the page.
            setKey("");
          }}
        >
          <Field
            label="API key"
            error={isBusy ? undefined : reason}
            hint="The server prints it when it starts for the first time. It is exchanged for a token that ends by itself; the page does not keep it."
          >
            {(control) => (
              <Input
                {...control}
                autoFocus
                type="password"
                autoComplete="off"
                spellCheck={false}
                value={key}
                onChange={(event) => setKey(event.target.value)}
              />
            )}
          </Field>
          <Button type="submit" tone="accent" disabled={key.trim() === ""}>
            <KeyRound />
            {isBusy && key === "" ? "Signing in …" : "Sign in"}
          </Button>
          <p role="status" className="text-xs text-muted empty:hidden">
            {isBusy && reason}
          </p>
        </form>
        <p className="text-center text-xs text-muted">
          Or open the link that the server prints when it starts: it signs you in.
          {version !== undefined && ` Version ${version}.`}
        </p>
      </div>
    </main>
  );
}
