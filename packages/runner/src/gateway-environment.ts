import { secretPlaceholder, type AgentProfile } from "@hhopkins/agent-runtime-protocol";

export interface GatewayPlace {
  /** Where HTTP requests to the gateway go. */
  readonly url: string;
  /** Where it is an HTTP proxy: only over the bridge. */
  readonly bridge: string;
  /** What it must be shown. */
  readonly token: string;
  readonly network: "gateway" | "own";
}

const LOCAL = ["127.0.0.1", "localhost", "::1"];

/**
 * Variables with which tools find their way: proxies for what the sandbox may reach, and for each secret of the profile a
 * stand-in for its value, which the gateway replaces on the way to the secret's hosts.
 */
export function gatewayEnvironment(place: GatewayPlace): (profile: AgentProfile) => Record<string, string> {
  return (profile) => ({
    ...(place.network === "own" ? {} : proxies(place)),
    ...secrets(profile, `${place.url}/token/${place.token}/hosts`),
  });
}

/** For curl, git, pip and npm, and for Node's own fetch since 22.21. */
function proxies({ url, bridge, token }: GatewayPlace): Record<string, string> {
  // The gateway's own address is reached without a proxy, wherever it is.
  const direct = [...new Set([...LOCAL, new URL(url).hostname])].join(",");
  const proxy = bridge.replace("://", `://sandbox:${token}@`);
  return {
    HTTP_PROXY: proxy,
    HTTPS_PROXY: proxy,
    http_proxy: proxy,
    https_proxy: proxy,
    NO_PROXY: direct,
    no_proxy: direct,
    NODE_USE_ENV_PROXY: "1",
  };
}

function secrets(profile: AgentProfile, hostsUrl: string): Record<string, string> {
  const named = Object.entries(profile.environmentVariables ?? {}).flatMap(([name, value]) =>
    typeof value === "string" ? [] : [{ name, ...value }],
  );
  if (named.length === 0 && !hasMcpSecret(profile)) return {};
  const values = named.map(({ name, secret }) => [name, secretPlaceholder(secret)]);
  // One login a host: git asks with the first secret that is meant for it.
  const logins = new Map<string, string>();
  for (const { secret, hosts } of named.toReversed()) for (const host of hosts) logins.set(host, secret);
  return { ...Object.fromEntries(values), AGENT_RUNTIME_HOSTS_URL: hostsUrl, ...gitConfig(logins, hostsUrl) };
}

/** Their variables and headers have stand-ins too, which are laid out where the harness is. */
function hasMcpSecret({ externalMCPs = [] }: AgentProfile): boolean {
  return externalMCPs
    .flatMap((server) => Object.values(("url" in server ? server.headers : server.env) ?? {}))
    .some((value) => typeof value !== "string");
}

/** git goes to a host with a secret through the gateway, and logs in there with what the gateway replaces. */
function gitConfig(logins: ReadonlyMap<string, string>, hostsUrl: string): Record<string, string> {
  const config = [...logins]
    .filter(([host]) => !host.startsWith("*"))
    .flatMap(([host, secret]) => {
      const login = Buffer.from(`x-access-token:${secretPlaceholder(secret)}`).toString("base64");
      return [
        [`url.${hostsUrl}/${host}/.insteadOf`, `https://${host}/`],
        [`http.${hostsUrl}/${host}/.extraHeader`, `Authorization: Basic ${login}`],
      ] as const;
    });
  const lines = config.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return config.length === 0 ? {} : { GIT_CONFIG_COUNT: String(config.length), ...Object.fromEntries(lines) };
}
