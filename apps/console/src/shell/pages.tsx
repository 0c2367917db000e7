import { lazy, Suspense } from "react";
import { Link, Redirect, Route, Switch, useLocation } from "wouter";
import { paths, readPart } from "../routes.ts";
import { Overview } from "../sessions/overview.tsx";
import { SessionPage } from "../session/session-page.tsx";
import { EmptyState } from "../ui/empty-state.tsx";
import { ErrorBoundary } from "../ui/error-boundary.tsx";
import { SessionNotice } from "./session-notice.tsx";
import { useTitle } from "./use-title.ts";

const ProfilesPage = lazy(() =>
  import("../profiles/profiles-page.tsx").then(({ ProfilesPage }) => ({ default: ProfilesPage })),
);

/** What the address names. */
export function Pages() {
  const [path] = useLocation();
  return (
    <ErrorBoundary resetKey={path}>
      <Suspense fallback={<main className="flex-1" />}>
        <Switch>
          <Route path={paths.home}>
            <Overview />
          </Route>
          <Route<{ id: string; panel?: string; item?: string }> path="/sessions/:id/:panel?/:item?">
            {({ id, panel, item }) => (
              <div className="flex min-w-0 flex-1 flex-col">
                <SessionNotice key={`notice ${id}`} sessionId={readPart(id)} />
                <div className="flex min-h-0 min-w-0 flex-1">
                  <SessionPage
                    key={id}
                    sessionId={readPart(id)}
                    panel={panel}
                    item={item === undefined ? undefined : readPart(item)}
                  />
                </div>
              </div>
            )}
          </Route>
          <Route<{ id?: string }> path="/profiles/:id?">
            {({ id }) => <ProfilesPage key={id ?? ""} profileId={id === undefined ? undefined : readPart(id)} />}
          </Route>
          <Route path="/sign-in">
            <Redirect to={paths.home} replace />
          </Route>
          <Route>
            <NoPage />
          </Route>
        </Switch>
      </Suspense>
    </ErrorBoundary>
  );
}

function NoPage() {
  useTitle("Not found");
  return (
    <main className="flex flex-1">
      <EmptyState title="There is nothing at this address">
        <Link href={paths.home} className="text-accent underline">
          To the sessions
        </Link>
      </EmptyState>
    </main>
  );
}
