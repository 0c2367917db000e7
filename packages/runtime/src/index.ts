export * from "@hhopkins/agent-runtime-protocol";
export {
  createAgentRuntime,
  type AgentRuntime,
  type RestServerOptions,
  type WebSocketServerOptions,
} from "./runtime.ts";
export { exportSession, importSession, type ImportOptions } from "./archive/index.ts";
export { DEFAULT_IGNORE, type AgentRuntimeConfig, type GatewayConfig } from "./configuration.ts";
export { serveGateway, type GatewayServer, type GatewayServerOptions } from "./gateway/index.ts";
export { tool, type HostTool, type HostToolContext, type HostToolOptions } from "./host-tools/index.ts";
export { persistenceCapabilities, type PersistenceCapability } from "./persistence/capabilities.ts";
export { profileFolder } from "./profiles/profile-folder.ts";
export type { ProfileLog, ProfileSource } from "./profiles/port.ts";
export type { Logger } from "./logger.ts";
export type { Authenticate, Principal } from "./auth/principal.ts";
export { SessionManager } from "./session/session-manager.ts";
export type { AskHook, AskingAgent } from "./session/ask-hook.ts";
export type { GivenAnswer } from "./session/ask-answers.ts";
export type { AgentSession } from "./session/session.ts";
export { createNodeHandler, type NodeHandler } from "./transport/node-handler.ts";
export type {
  RunnerFiles,
  Sandbox,
  SandboxChannel,
  SandboxLife,
  SandboxProvider,
  SandboxRef,
  SandboxSpec,
  SandboxTags,
} from "./sandbox/port.ts";
export { RUNNER_PATHS } from "./sandbox/port.ts";
export type { BoundSecrets, Credentials, ModelCredential, NetworkRules, Secrets } from "./gateway/port.ts";
