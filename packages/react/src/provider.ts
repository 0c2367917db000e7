import { createContext, createElement, useContext, useEffect, useMemo, useRef } from "react";
import type { ReactElement, ReactNode } from "react";
import { createAgentService, type AgentService } from "./agent-service.ts";

export interface AgentServiceProviderProps {
  /** Where the server answers, e.g. `https://agents.example.com`. */
  readonly apiUrl: string;
  /** Where its WebSocket is; `apiUrl` + `/ws` by default. */
  readonly wsUrl?: string;
  /** A key; whoever has the page has it too. Browsers that you do not trust get `getToken` instead. */
  readonly apiKey?: string;
  /**
   * Asked before each request and connection; with `refused`, a token that the server does not take (any more). It may be
   * a new function at each render.
   */
  readonly getToken?: (refused?: string) => Promise<string>;
  /** Keeps the last events all the time, for `useEvents`, and tells them to the console. */
  readonly debug?: boolean;
  readonly children?: ReactNode;
}

const AgentServiceContext = createContext<AgentService | undefined>(undefined);

/** Gives the hooks below it their server. Another server or key begins anew. */
export function AgentServiceProvider(props: AgentServiceProviderProps): ReactElement {
  const { apiUrl, wsUrl, apiKey, getToken, debug = false, children } = props;
  const latest = useRef(getToken);
  useEffect(() => {
    latest.current = getToken;
  }, [getToken]);
  const asksForTokens = getToken !== undefined;
  const service = useMemo(
    () =>
      createAgentService({
        baseUrl: apiUrl,
        ...(wsUrl === undefined ? {} : { wsUrl }),
        ...(apiKey === undefined ? {} : { apiKey }),
        ...(asksForTokens ? { getToken: (refused) => tokenOf(latest.current, refused) } : {}),
      }),
    [apiUrl, wsUrl, apiKey, asksForTokens],
  );
  useEffect(() => service.events.debug(debug), [service, debug]);
  return createElement(AgentServiceContext.Provider, { value: service }, children);
}

/** The client and the stores of the nearest provider, for what the hooks do not cover. */
export function useAgentService(): AgentService {
  const service = useContext(AgentServiceContext);
  if (service === undefined) throw new Error("This hook needs an <AgentServiceProvider> above it.");
  return service;
}

async function tokenOf(getToken: AgentServiceProviderProps["getToken"], refused?: string): Promise<string> {
  if (getToken === undefined) throw new Error("The provider has no getToken any more.");
  return getToken(refused);
}
