import type { SessionKey } from "@hhopkins/agent-runtime-protocol";
import type { Logger } from "../logger.ts";
import { parseHostRule } from "./allowed-hosts.ts";
import type { NetworkRules } from "./port.ts";

/** Hosts that sandboxes may reach: the same for all, or asked for by session whenever a sandbox starts or is found again. */
export type NetworkOption = NetworkRules | ((session: SessionKey) => Promise<NetworkRules> | NetworkRules);

/** The rules of a session. Throws `invalid_configuration` now for a list with a wrong line; never rejects later. */
export function networkOf(
  option: NetworkOption | undefined,
  log: Logger,
): (session: SessionKey) => Promise<NetworkRules> {
  if (typeof option !== "function") {
    const rules = checked(option ?? { allowedHosts: [] });
    return async () => rules;
  }
  return async (session) => {
    try {
      return checked(await option(session));
    } catch (error) {
      log.error({ ...session, err: error }, "which hosts a session may reach could not be told: none, then");
      return { allowedHosts: [] };
    }
  };
}

function checked({ allowedHosts }: NetworkRules): NetworkRules {
  allowedHosts.forEach(parseHostRule);
  return { allowedHosts: [...allowedHosts] };
}
