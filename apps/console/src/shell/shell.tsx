import { Route, Switch } from "wouter";
import { ProfilesPage } from "../profiles/profiles-page.tsx";
import { readPart } from "../routes.ts";
import { SessionPage } from "../session/session-page.tsx";
import { SessionList } from "../sessions/session-list.tsx";

export function Shell() {
  return (
    <div className="flex h-full">
      <nav aria-label="Sessions" className="hidden w-72 shrink-0 flex-col border-r bg-panel md:flex">
        <SessionList />
      </nav>
      <Switch>
        <Route<{ id: string; panel?: string; item?: string }> path="/sessions/:id/:panel?/:item?">
          {({ id, panel, item }) => (
            <SessionPage key={id} sessionId={readPart(id)} panel={panel} item={item && readPart(item)} />
          )}
        </Route>
        <Route<{ id?: string }> path="/profiles/:id?">
          {({ id }) => <ProfilesPage profileId={id && readPart(id)} />}
        </Route>
        <Route>
          <main className="grid flex-1 place-items-center p-4 text-muted">Choose a session, or make a new one.</main>
        </Route>
      </Switch>
    </div>
  );
}
