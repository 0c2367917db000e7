export { createAgentClient, type AgentClient, type ListSessionsOptions } from "./client.ts";
export { ClientError } from "./client-error.ts";
export type { AgentClientOptions } from "./endpoint.ts";
export type { Backoff } from "./follow/backoff.ts";
export type { LiveEvent } from "./follow/frame.ts";
export type { ConnectionStatus, FollowHandlers, Following, FollowOptions } from "./follow/follower.ts";
