import { join } from "node:path";
import type { HarnessSpec } from "../../architecture.ts";
import { createHostServer, type HostServer } from "../host-server.ts";
import { openMcpLogs, type McpLogs } from "./mcp-logs.ts";
import { mcpServers, type McpServers } from "./mcp-servers.ts";
import { writeProfileFiles, type ProfileFiles } from "./profile-files.ts";

/** What of a profile is not an option of the harness: files and servers. It serves every process of the harness. */
export interface Layout {
  readonly files: ProfileFiles;
  readonly mcp: McpServers;
  readonly mcpLogs: McpLogs;
  readonly host: HostServer;
  close(): void;
}

export async function layOutProfile(spec: HarnessSpec): Promise<Layout> {
  const own = join(spec.home, ".agent-runtime");
  const files = await writeProfileFiles(spec.start.profile, join(own, "profile"));
  const mcpLogs = await openMcpLogs(join(own, "mcp"));
  const mcp = await mcpServers(spec, mcpLogs);
  return { files, mcp, mcpLogs, host: createHostServer(spec), close: () => mcp.close() };
}
