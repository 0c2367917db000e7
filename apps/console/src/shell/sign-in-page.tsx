import { useState } from "react";
import { useAuth } from "../auth/auth.tsx";
import { Button } from "../ui/button.tsx";
import { Input } from "../ui/input.tsx";

export function SignInPage() {
  const { status, reason, signIn } = useAuth();
  const [key, setKey] = useState("");
  return (
    <main className="grid min-h-full place-items-center p-4">
      <form
        className="flex w-full max-w-sm flex-col gap-3 rounded-xl border bg-panel p-6"
        onSubmit={(event) => {
          event.preventDefault();
          void signIn(key.trim());
          setKey("");
        }}
      >
        <h1 className="text-lg font-semibold">Agent Runtime</h1>
        <label className="flex flex-col gap-1">
          <span>API key</span>
          <Input type="password" autoComplete="off" value={key} onChange={(event) => setKey(event.target.value)} />
        </label>
        {reason !== undefined && (
          <p role="alert" className="text-bad">
            {reason}
          </p>
        )}
        <Button type="submit" tone="accent" disabled={key.trim() === "" || status === "signing-in"}>
          Sign in
        </Button>
      </form>
    </main>
  );
}
