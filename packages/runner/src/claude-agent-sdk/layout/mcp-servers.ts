import type { McpServerConfig } from "@anthropic-ai/claude-agent-sdk";
import { secretPlaceholder, type AgentProfile } from "@hhopkins/agent-runtime-protocol";
import { join } from "node:path";
import type { HarnessSpec } from "../../architecture.ts";
import { openHostDoor, type HostDoor } from "./host-door.ts";
import type { McpLogs } from "./mcp-logs.ts";

export interface McpServers {
  /** By name, as the harness takes them. */
  readonly configs: Record<string, McpServerConfig>;
  close(): void;
}

type External = NonNullable<AgentProfile["externalMCPs"]>[number];
type Remote = Extract<External, { url: string }>;

/** Its tools are in the first request to the model, not found by a search. */
const THERE = { alwaysLoad: true } as const;

/** The profile's MCP servers. Secrets are stand-ins, for which the gateway puts the values in. */
export async function mcpServers(spec: HarnessSpec, logs: McpLogs): Promise<McpServers> {
  const { profile, environment } = spec.start;
  const configs: Record<string, McpServerConfig> = {};
  const doors: HostDoor[] = [];
  for (const { name, startCommand } of profile.bundledMCPs ?? []) {
    const project = join(environment["AGENT_RUNTIME_ENVIRONMENT"] ?? "/", "projects", name);
    const start = `cd "$1" && ${startCommand}`;
    configs[name] = { type: "stdio", ...THERE, ...logs.keeping(name, "sh", ["-c", start, name, project]) };
  }
  for (const server of profile.externalMCPs ?? []) {
    if ("url" in server) configs[server.name] = await remote(server, { environment, doors, logs });
    else {
      const { name, command, args = [], env } = server;
      const variables = env === undefined ? {} : { env: visible(env) };
      configs[name] = { type: "stdio", ...THERE, ...logs.keeping(name, command, args), ...variables };
    }
  }
  return { configs, close: () => doors.forEach((door) => door.close()) };
}

interface RemoteParts {
  readonly environment: Readonly<Record<string, string>>;
  readonly doors: HostDoor[];
  readonly logs: Pick<McpLogs, "note">;
}

async function remote(
  { name, type, url, headers = {} }: Remote,
  { environment, doors, logs }: RemoteParts,
): Promise<McpServerConfig> {
  const secret = Object.values(headers).some((value) => typeof value !== "string");
  const hostsUrl = environment["AGENT_RUNTIME_HOSTS_URL"];
  if (!secret || hostsUrl === undefined) return { type, url, headers: visible(headers), ...THERE };
  const { host, pathname, search } = new URL(url);
  const door = await openHostDoor(hostsUrl, host, (words) => logs.note(name, words));
  doors.push(door);
  return { type, url: `${door.url}${pathname}${search}`, headers: visible(headers), ...THERE };
}

/** With a stand-in for each secret. */
function visible(variables: NonNullable<Remote["headers"]>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [
      name,
      typeof value === "string" ? value : secretPlaceholder(value.secret),
    ]),
  );
}
