import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Name } from "./schema-names.ts";

const root = join(import.meta.dirname, "../..");
const PACKAGES = "packages";

/** Interfaces that users write or call: kind of its members, what stands before their names, file, interface. */
const INTERFACES: readonly (readonly [kind: string, of: string, file: string, name: string])[] = [
  ["option", "createAgentRuntime", "runtime/src/configuration.ts", "AgentRuntimeConfig"],
  ["option", "createAgentRuntime.gateway", "runtime/src/configuration.ts", "GatewayConfig"],
  ["option", "tool", "runtime/src/host-tools/tool.ts", "HostToolOptions"],
  ["field", "HostToolContext", "runtime/src/host-tools/tool.ts", "HostToolContext"],
  ["option", "network", "runtime/src/gateway/port.ts", "NetworkRules"],
  ["option", "serveGateway", "runtime/src/gateway/gateway-server.ts", "GatewayServerOptions"],
  ["option", "createRestServer", "runtime/src/runtime.ts", "RestServerOptions"],
  ["option", "createWebSocketServer", "runtime/src/runtime.ts", "WebSocketServerOptions"],
  ["option", "limits", "runtime/src/transport/limits.ts", "TransportLimits"],
  ["option", "sqlitePersistence", "runtime/src/persistence/sqlite/index.ts", "SqlitePersistenceOptions"],
  ["option", "postgresPersistence", "runtime/src/persistence/postgres/index.ts", "PostgresPersistenceOptions"],
  ["option", "mysqlPersistence", "runtime/src/persistence/mysql/index.ts", "MysqlPersistenceOptions"],
  ["option", "supabasePersistence", "runtime/src/persistence/supabase/index.ts", "SupabaseSettings"],
  ["option", "supabasePersistence", "runtime/src/persistence/supabase/index.ts", "SupabaseProject"],
  ["option", "convexPersistence", "runtime/src/persistence/convex/index.ts", "ConvexPersistenceOptions"],
  ["option", "copyConvexFunctions", "runtime/src/persistence/convex/copy.ts", "CopyConvexFunctionsOptions"],
  ["option", "memoryPersistence", "runtime/src/persistence/memory/index.ts", "MemoryPersistenceOptions"],
  ["option", "sharedMemory", "runtime/src/persistence/memory/index.ts", "SharedMemoryOptions"],
  ["option", "hostSandbox", "runtime/src/sandbox/host-provider.ts", "HostOptions"],
  ["option", "localSandbox", "runtime/src/sandbox/local/index.ts", "LocalSandboxOptions"],
  ["option", "dockerSandbox", "runtime/src/sandbox/docker/index.ts", "DockerSandboxOptions"],
  ["option", "dockerSandbox", "runtime/src/sandbox/docker/engine.ts", "EngineOptions"],
  ["option", "modalSandbox", "runtime/src/sandbox/modal/options.ts", "ModalSandboxOptions"],
  ["option", "createAgentClient", "client/src/endpoint.ts", "AgentClientOptions"],
  ["option", "follow", "client/src/follow/follower.ts", "FollowOptions"],
  ["option", "follow", "client/src/follow/follower.ts", "FollowHandlers"],
  ["method", "runtime", "runtime/src/runtime.ts", "AgentRuntime"],
  ["method", "session", "runtime/src/session/session.ts", "AgentSession"],
  ["method", "persistence", "protocol/src/persistence/port.ts", "PersistenceAdapter"],
  ["method", "store", "protocol/src/persistence/session-store.ts", "SessionStore"],
  ["method", "cluster", "protocol/src/persistence/cluster-store.ts", "ClusterStore"],
  ["method", "sandboxProvider", "runtime/src/sandbox/port.ts", "SandboxProvider"],
  ["method", "sandbox", "runtime/src/sandbox/port.ts", "Sandbox"],
  ["method", "client", "client/src/client.ts", "AgentClient"],
  ["method", "following", "client/src/follow/follower.ts", "Following"],
  ["option", "readEvents", "client/src/read/read-events.ts", "ReadEventsOptions"],
  ["option", "watchSessions", "client/src/follow/list-watcher.ts", "WatchHandlers"],
  ["option", "watchSessions", "client/src/follow/list-watcher.ts", "WatchOptions"],
  ["option", "createSessionStore", "client/src/store/session-store.ts", "SessionStoreOptions"],
  ["method", "sessionStore", "client/src/store/session-store.ts", "SessionStore"],
  ["field", "SessionSnapshot", "client/src/store/snapshot.ts", "SessionSnapshot"],
  ["field", "OptimisticMessage", "client/src/store/snapshot.ts", "OptimisticMessage"],
  ["field", "OlderBlocks", "client/src/store/snapshot.ts", "OlderBlocks"],
  ["method", "sessionStores", "client/src/store/session-stores.ts", "SessionStores"],
  ["method", "sessionListStore", "client/src/store/session-list-store.ts", "SessionListStore"],
  ["field", "SessionListSnapshot", "client/src/store/session-list-store.ts", "SessionListSnapshot"],
  ["provider property", "AgentServiceProvider", "react/src/provider.ts", "AgentServiceProviderProps"],
  ["provider property", "SessionStateProvider", "react/src/session-state-provider.ts", "SessionStateProviderProps"],
  ["hook result", "useAgentSession", "react/src/use-agent-session.ts", "UseAgentSession"],
  ["hook result", "useMessages", "react/src/use-messages.ts", "UseMessages"],
  ["hook result", "useBlock", "react/src/use-messages.ts", "UseBlock"],
  ["hook result", "useSessionList", "react/src/use-session-list.ts", "UseSessionList"],
  ["hook result", "useWorkspaceFiles", "react/src/use-workspace-files.ts", "UseWorkspaceFiles"],
  ["hook result", "useSubagents", "react/src/use-subagents.ts", "UseSubagents"],
  ["hook result", "useEvents", "react/src/use-events.ts", "UseEvents"],
  ["hook result", "useAsks", "react/src/use-asks.ts", "UseAsks"],
  ["hook result", "useQueue", "react/src/use-queue.ts", "UseQueue"],
  ["hook result", "useTurn", "react/src/use-turn.ts", "UseTurn"],
  ["hook result", "useConnection", "react/src/use-connection.ts", "UseConnection"],
  ["hook result", "useAutoScroll", "react/src/parts/use-auto-scroll.ts", "UseAutoScroll"],
  ["hook result", "useComposer", "react/src/parts/use-composer.ts", "UseComposer"],
  ["hook result", "useApproval", "react/src/parts/use-approval.ts", "UseApproval"],
  ["hook result", "useFileTree", "react/src/parts/use-file-tree.ts", "UseFileTree"],
  ["option", "useMessages", "react/src/use-messages.ts", "ConversationOptions"],
  ["hook result", "useConversationItem", "react/src/parts/tool-calls.ts", "UseConversationItem"],
  ["field", "ToolCallItem", "react/src/parts/tool-calls.ts", "ToolCallItem"],
  ["field", "BlockItem", "react/src/parts/tool-calls.ts", "BlockItem"],
  ["field", "FileNode", "react/src/parts/file-tree.ts", "FileNode"],
  ["field", "FileContent", "react/src/parts/use-file-tree.ts", "FileContent"],
  ["option", "startModalDouble", "testkit/src/modal-double/start.ts", "ModalDoubleOptions"],
  ["method", "modalDoubleControl", "testkit/src/modal-double/control-client.ts", "ModalDoubleControl"],
  ["field", "Principal", "runtime/src/auth/principal.ts", "Principal"],
  ["field", "ModelCredential", "runtime/src/gateway/port.ts", "ModelCredential"],
  ["field", "SessionState", "protocol/src/reducer/state.ts", "SessionState"],
  ["field", "SubagentState", "protocol/src/reducer/state.ts", "SubagentState"],
];

/** Names that have no schema: members of interfaces, methods of the session manager, the runner's variables, entry points. */
export function sourceNames(): Name[] {
  const members = INTERFACES.flatMap(([kind, of, file, name]) =>
    membersOf(read(join(PACKAGES, file)), name).map((member) => ({ kind, name: `${of}.${member}` })),
  );
  return [...members, ...managerMethods(), ...runnerVariables(), ...entryPoints()];
}

function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** Members that stand in an interface's own body, or are picked by name from another. */
export function membersOf(source: string, name: string): string[] {
  const declared = new RegExp(`export (?:interface|type) ${name}\\b([^{;]*)(?:\\{([\\s\\S]*?)\\n\\})?`).exec(source);
  if (declared === null) throw new Error(`no interface ${name}`);
  const [, head = "", body = ""] = declared;
  const picked = [...head.matchAll(/"(\w+)"/g)].map(([, member = ""]) => member);
  const own = [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??[:(<]/gm)].map(([, member = ""]) => member);
  return [...picked, ...own];
}

function managerMethods(): Name[] {
  const source = read("packages/runtime/src/session/session-manager.ts").replace(
    /\/\*\* @internal[^\n]*\n[^\n]*\n/g,
    "",
  );
  const methods = [...source.matchAll(/^ {2}(?:async )?(\w+)\([^\n]*\{$/gm)].map(([, name = ""]) => name);
  return methods
    .filter((name) => !["constructor", "start", "stop"].includes(name))
    .map((name) => ({ kind: "method", name: `sessionManager.${name}` }));
}

function runnerVariables(): Name[] {
  const names = new Set(read("packages/runner/src/environment.ts").match(/AGENT_RUNTIME_[A-Z_]+/g));
  return [...names].map((name) => ({ kind: "runner variable", name }));
}

/** What can be imported, by the packages' `exports`. */
function entryPoints(): Name[] {
  return ["protocol", "runner", "runtime", "client", "react", "testkit"].flatMap((folder) => {
    const { name, exports } = JSON.parse(read(`packages/${folder}/package.json`)) as { name: string; exports: object };
    return Object.keys(exports).map((path) => ({ kind: "entry point", name: `${name}${path.slice(1)}` }));
  });
}
