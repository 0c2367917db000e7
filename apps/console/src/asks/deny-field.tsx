import { Ban } from "lucide-react";
import { useState } from "react";
import { Button } from "../ui/button.tsx";
import { Input } from "../ui/input.tsx";
import type { Answering } from "./answering.ts";

/** Denies, with a reason for the agent or without. */
export function DenyField({ answering, label = "Deny" }: { readonly answering: Answering; readonly label?: string }) {
  const [reason, setReason] = useState("");
  return (
    <form
      className="flex min-w-56 flex-1 gap-1"
      onSubmit={(event) => {
        event.preventDefault();
        answering.deny(reason.trim());
      }}
    >
      <Input
        aria-label={`Reason to ${label.toLowerCase()}`}
        placeholder="Reason (optional)"
        maxLength={10_000}
        value={reason}
        onChange={(event) => setReason(event.target.value)}
        className="min-w-0 flex-1"
      />
      <Button type="submit" tone="danger">
        <Ban /> {label}
      </Button>
    </form>
  );
}
