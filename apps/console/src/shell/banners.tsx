import { useAgentService } from "@hhopkins/agent-runtime-react";
import { FlaskConical, WifiOff, X } from "lucide-react";
import { useState } from "react";
import type { ReactNode } from "react";
import { useLocation } from "wouter";
import { sessionOf } from "../routes.ts";
import { useSessionListing } from "../sessions/session-listing.tsx";
import { Button } from "../ui/button.tsx";
import { useConsoleInfo } from "./console-info.ts";

/** What is true of everything on the page. */
export function Banners() {
  return (
    <div aria-live="polite" className="shrink-0">
      <ServerAway />
      <ScriptedModel />
    </div>
  );
}

/** The list's line is the one that is always there. */
function ServerAway() {
  const { error, refresh } = useSessionListing();
  const { stores } = useAgentService();
  const [path] = useLocation();
  if (error?.code !== "unreachable") return null;
  const open = sessionOf(path);
  const tryNow = (): void => {
    void refresh();
    if (open !== undefined) stores.get(open).wake();
  };
  return (
    <Banner icon={<WifiOff />}>
      <span>The server does not answer. What you see is the last that it said; the page tries again by itself.</span>
      <Button tone="ghost" className="-my-1 underline" onClick={tryNow}>
        Try now
      </Button>
    </Banner>
  );
}

function ScriptedModel() {
  const { model } = useConsoleInfo();
  const [isClosed, setClosed] = useState(false);
  if (model !== "scripted" || isClosed) return null;
  return (
    <Banner icon={<FlaskConical />}>
      <span>
        A <strong className="font-semibold">scripted model</strong> answers, no AI. Start the server with a model’s
        credential for a real one.
      </span>
      <Button tone="ghost" icon className="-my-1 ml-auto" aria-label="Hide this" onClick={() => setClosed(true)}>
        <X />
      </Button>
    </Banner>
  );
}

function Banner({ icon, children }: { readonly icon: ReactNode; readonly children: ReactNode }) {
  return (
    <div className="flex items-center gap-2 border-b bg-warn/10 px-4 py-1.5 text-sm">
      <span aria-hidden className="shrink-0 text-warn [&_svg]:size-4">
        {icon}
      </span>
      {children}
    </div>
  );
}
