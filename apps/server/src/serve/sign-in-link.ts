import type { CreateTokenAnswer, CreateTokenBody } from "@hhopkins/agent-runtime-protocol";
import type { ApiKey } from "./api-key.ts";

const HOUR_MS = 3_600_000;
/** Long enough for who starts a server and opens its link; a page that it has signed in renews it for a working day. */
const TOKEN: CreateTokenBody = { expiresInMs: HOUR_MS, renewForMs: 12 * HOUR_MS };

interface RestServer {
  fetch(request: Request): Response | Promise<Response>;
}

/**
 * The address that signs a browser in. No key stands in it but a token: browsers keep the addresses that people open, and
 * machines keep what servers print.
 */
export async function signInLink(url: string, { key }: ApiKey, rest: RestServer): Promise<string> {
  const request = new Request("http://localhost/tokens", {
    method: "POST",
    headers: { "x-api-key": key, "content-type": "application/json" },
    body: JSON.stringify(TOKEN),
  });
  const { token } = (await (await rest.fetch(request)).json()) as CreateTokenAnswer;
  return `${url}/#key=${token}`;
}
