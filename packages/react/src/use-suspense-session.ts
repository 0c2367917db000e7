import type { ClientError, SessionSnapshot } from "@hhopkins/agent-runtime-client";
import { useSyncExternalStore } from "react";
import { infoOf, type SessionInfo } from "./use-agent-session.ts";
import { shallowEqual, useSessionSelector, useSessionStore } from "./use-session-selector.ts";

const subscribeToNothing = () => () => {};

/**
 * One session, for below a `<Suspense>`, which shows its fallback until the state is there: the other hooks beside this
 * one then have it too. Where there will be none it throws the `ClientError`, for an error boundary. The provider has to
 * stand above the `<Suspense>`. A server renders the fallback, and the browser goes on from there.
 */
export function useSuspenseSession(sessionId: string): SessionInfo {
  const store = useSessionStore(sessionId);
  const session = useSessionSelector(sessionId, infoOf, shallowEqual);
  const failure = useSessionSelector(sessionId, failureOf);
  const isOnServer = useSyncExternalStore(
    subscribeToNothing,
    () => false,
    () => true,
  );
  if (session !== undefined) return session;
  if (failure !== undefined) throw failure;
  // React's way to have a part rendered in the browser alone.
  if (isOnServer) throw new Error("A session is loaded in the browser: put a <Suspense> around useSuspenseSession.");
  // oxlint-disable-next-line typescript/only-throw-error -- how a component suspends in React 18, and still in 19
  throw store.load();
}

function failureOf({ connection, error }: SessionSnapshot): ClientError | undefined {
  return connection === "failed" ? error : undefined;
}
