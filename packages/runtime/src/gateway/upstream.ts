import { Agent as HttpAgent, request as httpRequest } from "node:http";
import type { ClientRequest, OutgoingHttpHeaders } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";

export interface UpstreamRequest {
  readonly method: string;
  readonly headers: OutgoingHttpHeaders;
  /** Addresses to connect to, where they were chosen before. */
  readonly lookup?: LookupFunction;
}

/** How the gateway reaches models and hosts: connections are kept open between requests, but for those to checked addresses. */
export interface Upstream {
  request(url: URL, request: UpstreamRequest): ClientRequest;
  close(): void;
}

export interface UpstreamOptions {
  /** The longest that a connection may take to come about, name look-up and TLS with it. */
  readonly connectTimeoutMs: number;
  /** Certificates to trust instead of the usual ones, PEM. */
  readonly ca?: string;
}

export function createUpstream({ connectTimeoutMs, ca }: UpstreamOptions): Upstream {
  const http = new HttpAgent({ keepAlive: true });
  const https = new HttpsAgent({ keepAlive: true, ...(ca === undefined ? {} : { ca }) });
  // A kept connection goes by name and port: it may lead to an address that was checked for somebody else.
  const httpOnce = new HttpAgent();
  const httpsOnce = new HttpsAgent(ca === undefined ? {} : { ca });
  return {
    request(url, request) {
      const checked = request.lookup !== undefined;
      const outgoing =
        url.protocol === "https:"
          ? httpsRequest(url, { ...request, agent: checked ? httpsOnce : https })
          : httpRequest(url, { ...request, agent: checked ? httpOnce : http });
      limitConnecting(outgoing, url, connectTimeoutMs);
      return outgoing;
    },
    close() {
      for (const agent of [http, https, httpOnce, httpsOnce]) agent.destroy();
    },
  };
}

/** A model may think for minutes; only reaching it has a deadline. */
function limitConnecting(outgoing: ClientRequest, url: URL, timeoutMs: number): void {
  outgoing.once("socket", (socket) => {
    if (!socket.connecting) return;
    const late = new Error(`no connection to ${url.host} within ${timeoutMs} ms`);
    const timer = setTimeout(() => outgoing.destroy(late), timeoutMs);
    socket.once(url.protocol === "https:" ? "secureConnect" : "connect", () => clearTimeout(timer));
    socket.once("close", () => clearTimeout(timer));
  });
}
