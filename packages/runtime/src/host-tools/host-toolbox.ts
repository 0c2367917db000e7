import {
  HOST_TOOL_LIMITS,
  HostToolName,
  RuntimeError,
  type AgentProfile,
  type HostToolDefinition,
} from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";
import type { HostTool } from "./tool.ts";

const MAX_TIMER_MS = 2 ** 31 - 1;

/** The application's tools. */
export interface HostToolbox {
  /** What an agent of this profile is told of. */
  offered(profile: AgentProfile): HostToolDefinition[];
  /** Names in the profile that no tool has. */
  missing(profile: AgentProfile): string[];
  /** Milliseconds of the slowest. */
  readonly timeoutMs: number;
  find(name: string): HostTool | undefined;
}

/** Throws `invalid_configuration`, which names the tool and what is wrong with it. */
export function createHostToolbox(tools: Readonly<Record<string, HostTool>> = {}): HostToolbox {
  const known = new Map(Object.entries(tools));
  const definitions = [...known].map(([name, tool]) => definitionOf(name, tool));
  const bytes = Buffer.byteLength(JSON.stringify(definitions));
  if (bytes > HOST_TOOL_LIMITS.definitions)
    throw invalid(
      "tools",
      `have ${bytes} bytes of names, descriptions and schemas, and at most ${HOST_TOOL_LIMITS.definitions} are taken`,
    );
  const isOffered = ({ hostTools }: AgentProfile, name: string): boolean => hostTools?.includes(name) ?? true;
  return {
    offered: (profile) => definitions.filter(({ name }) => isOffered(profile, name)),
    missing: ({ hostTools = [] }) => hostTools.filter((name) => !known.has(name)),
    timeoutMs: Math.max(1, ...[...known.values()].map(({ timeoutMs }) => timeoutMs)),
    find: (name) => known.get(name),
  };
}

function definitionOf(name: string, tool: HostTool): HostToolDefinition {
  const field = `tools.${name}`;
  const named = HostToolName.safeParse(name);
  if (!named.success) throw invalid(field, `is no good name: it ${named.error.issues[0]?.message}`);
  if (typeof tool?.run !== "function" || typeof tool.idempotent !== "boolean")
    throw invalid(field, "must be made by tool({ description, input, run })");
  const { description, timeoutMs } = tool;
  if (typeof description !== "string" || description.trim() === "")
    throw invalid(`${field}.description`, "is missing: the model knows by it what the tool is for");
  if (!(Number.isInteger(timeoutMs) && timeoutMs > 0 && timeoutMs <= MAX_TIMER_MS))
    throw invalid(`${field}.timeoutMs`, `must be a whole number of milliseconds, 1 to ${MAX_TIMER_MS}`);
  return { name, description, inputSchema: schemaOf(field, tool) };
}

function schemaOf(field: string, { input }: HostTool): HostToolDefinition["inputSchema"] {
  const { type, ...rest } = jsonSchema(field, input);
  if (type === "object") return { type, ...rest };
  throw invalid(`${field}.input`, "must be a schema of an object, such as z.object({ orderId: z.string() })");
}

function jsonSchema(field: string, input: HostTool["input"]): Record<string, unknown> {
  try {
    const { $schema: _version, ...schema } = z.toJSONSchema(input, { io: "input" });
    return schema;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw invalid(`${field}.input`, `must be a Zod schema (4.0 or newer) that JSON Schema can say: ${why}`);
  }
}

function invalid(field: string, problem: string): RuntimeError {
  return new RuntimeError("invalid_configuration", `createAgentRuntime: ${field} ${problem}.`, { field });
}
