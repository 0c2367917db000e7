import { createAgentRuntime } from "@hhopkins/agent-runtime";
import { DEFAULT_LIMITS, ERROR_CODES, STATE_LIMITS, TOKEN_LIMITS } from "@hhopkins/agent-runtime-protocol";
import { memoryPersistence } from "@hhopkins/agent-runtime/persistence/memory";
import { stepSchema } from "@hhopkins/agent-runtime-testkit";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { fields, type Name } from "./schema-names.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");

interface OpenApi {
  readonly paths: Record<
    string,
    Record<string, { readonly parameters?: readonly { readonly name: string; readonly in: string }[] }>
  >;
}

/** Routes, and what stands in their query and headers, as the server's own OpenAPI document has them. */
export async function routeNames(): Promise<Name[]> {
  const sandbox = {
    name: "none",
    create: () => Promise.reject(new Error("none")),
    attach: async () => null,
    list: async () => [],
  };
  const runtime = await createAgentRuntime({ persistence: memoryPersistence(), sandbox });
  const response = await runtime.createRestServer().fetch(new Request("http://x/openapi.json"));
  const { paths } = (await response.json()) as OpenApi;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { parameters = [] }]) => {
      const route = `${method.toUpperCase()} ${path}`;
      const named = parameters.filter((parameter) => parameter.in !== "path");
      return [
        { kind: "route", name: route },
        ...named.map((parameter) => ({ kind: "parameter", name: `${route} ${parameter.in}.${parameter.name}` })),
      ];
    }),
  );
}

/** Commands, flags and variables, as the command's help has them. */
export async function commandNames(): Promise<Name[]> {
  const main = join(root, "apps/server/src/main.ts");
  const help = async (...args: string[]): Promise<string> =>
    (await run(process.execPath, [main, ...args, "--help"])).stdout;
  const [program, serve] = await Promise.all([help(), help("serve")]);
  const commands = [...(program.split("Commands:")[1] ?? "").matchAll(/^ {2}([\w-]+)/gm)].map(([, name = ""]) => name);
  const found = (pattern: RegExp): string[] => [...new Set(serve.match(pattern))];
  return [
    ...commands.filter((name) => name !== "help").map((name) => ({ kind: "command", name })),
    ...found(/--[a-z][a-z-]+/g)
      .filter((name) => name !== "--help")
      .map((name) => ({ kind: "flag", name })),
    ...found(/AGENT_RUNTIME_[A-Z_]+/g).map((name) => ({ kind: "variable", name })),
  ];
}

/** Names in tables: error codes, limits, steps of the scripted model. */
export function tableNames(): Name[] {
  return [
    ...Object.keys(ERROR_CODES).map((name) => ({ kind: "error code", name })),
    ...Object.keys(DEFAULT_LIMITS).map((name) => ({ kind: "limit", name })),
    ...Object.keys(STATE_LIMITS).map((name) => ({ kind: "limit", name: `state.${name}` })),
    ...Object.keys(TOKEN_LIMITS).map((name) => ({ kind: "limit", name: `token.${name}` })),
    ...fields(stepSchema, "step").map((name) => ({ ...name, kind: "step" })),
  ];
}
