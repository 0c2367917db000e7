import { RuntimeError, type SessionKey } from "@hhopkins/agent-runtime-protocol";
import type { Credentials } from "./port.ts";

/**
 * What a sandbox on another host is told of the way to the model: nothing (its bridge leads over the runner's stream),
 * the public address, or, where that was asked for in so many words, the model's own address and key.
 */
export function gatewayVariables(
  option: { readonly publicUrl?: string; readonly unsafeKeyInSandbox?: boolean },
  { provider, credentials }: { provider: { readonly remote?: boolean }; credentials: Credentials },
): (session: SessionKey) => Promise<Readonly<Record<string, string>>> {
  return async (session): Promise<Record<string, string>> => {
    if (provider.remote !== true) return {};
    if (option.unsafeKeyInSandbox === true) {
      const { baseUrl, apiKey, headers } = await credentials(session);
      if (apiKey === undefined || headers !== undefined)
        throw new RuntimeError(
          "invalid_configuration",
          "gateway.unsafeKeyInSandbox passes on an apiKey, and neither an authToken nor headers: leave it out, and the gateway does.",
        );
      return { AGENT_RUNTIME_GATEWAY_URL: baseUrl, AGENT_RUNTIME_MODEL_TOKEN: apiKey };
    }
    return option.publicUrl === undefined ? {} : { AGENT_RUNTIME_GATEWAY_URL: option.publicUrl.replace(/\/$/, "") };
  };
}
