import { Link } from "wouter";
import { PANELS, paths } from "../routes.ts";
import type { SessionPageProps } from "../session/session-page.tsx";

/** The panels beside a conversation; those of the address is open, or none. */
export function Inspector({ sessionId, panel }: SessionPageProps) {
  return (
    <aside aria-label="Inspector" className="hidden w-96 shrink-0 flex-col border-l bg-panel lg:flex">
      <div className="flex gap-1 border-b p-2">
        {PANELS.map((name) => (
          <Link key={name} href={paths.panel(sessionId, name)} aria-current={name === panel ? "page" : undefined}>
            {name}
          </Link>
        ))}
      </div>
    </aside>
  );
}
