import { once } from "node:events";
import { readdirSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { convexTest } from "convex-test";
import { makeFunctionReference, type DefaultFunctionArgs, type GenericMutationCtx } from "convex/server";
import { ConvexError, convexToJson, jsonToConvex, type JSONValue, type Value } from "convex/values";
import { agentRuntimeSchema as schema, type DataModel } from "../functions/schema.ts";
import { checkAnswer, checkArguments, checkDocument } from "./limits.ts";

export const TEST_SECRET = "the-secret-of-a-deployment-for-tests";

/** What becomes of a call: answered; done, and its answer lost; never done. */
export type Fate = "answer" | "lose" | "refuse" | "hang";

/** A call on its way. */
export interface Call {
  readonly kind: string;
  /** Such as `agentRuntime/appends:append`. */
  readonly path: string;
  readonly args: DefaultFunctionArgs;
}

export interface TestDeployment {
  readonly url: string;
  /** Asked before each call. */
  fate: (call: Call) => Fate;
  /** Calls since the beginning. */
  readonly calls: Call[];
  /** Breaks every connection. */
  drop(): void;
  /** Looks into the database from outside. */
  look<T>(look: (ctx: GenericMutationCtx<DataModel>) => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

const FUNCTIONS = fileURLToPath(new URL("../functions/", import.meta.url));

export interface TestDeploymentOptions {
  /** Folder of the functions; ours where absent, in the workspace's sources. */
  readonly functions?: string;
  /** Names of files that were not copied. */
  readonly missing?: readonly string[];
  /** The schema has our tables. */
  readonly tables?: boolean;
}

/**
 * Stands in for a deployment, for tests: convex-test runs the real functions in memory, and this speaks Convex's HTTP
 * API in front of it, holds calls to Convex's documented limits, and hides the words of errors as production does.
 */
export async function startDeployment(options: TestDeploymentOptions = {}): Promise<TestDeployment> {
  const { functions = FUNCTIONS, missing = [], tables = true } = options;
  const modules = modulesOf(functions, missing);
  const test = convexTest({ ...(tables ? { schema } : {}), modules, transactionLimits: true });
  watchWrites();
  const deployment: Omit<TestDeployment, "url" | "stop" | "drop"> = {
    fate: () => "answer",
    calls: [],
    look: (look) => test.run((ctx) => look(ctx as unknown as GenericMutationCtx<DataModel>)) as never,
  };
  const run = async (call: Call): Promise<Value> => {
    const [module = "", name = ""] = call.path.split(":");
    const found = (await modules[`./${module}.ts`]?.()) as Record<string, { isPublic?: boolean }> | undefined;
    if (found?.[name]?.isPublic !== true) throw new MissingFunction(call.path);
    if (call.kind === "query") return (await test.query(makeFunctionReference<"query">(call.path), call.args)) as Value;
    return (await test.mutation(makeFunctionReference<"mutation">(call.path), call.args)) as Value;
  };
  const server = createServer((request, response) => {
    void answer({ request, response, deployment, run }).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return Object.assign(deployment, {
    url: `http://127.0.0.1:${port}`,
    drop: () => server.closeAllConnections(),
    stop: async () => {
      server.closeAllConnections();
      server.close();
    },
  });
}

/** Why nothing is found at a path, in Convex's words. */
class MissingFunction extends Error {
  constructor(path: string) {
    super(
      `Could not find public function for '${path}'. Did you forget to run \`npx convex dev\` or \`npx convex deploy\`?`,
    );
  }
}

function modulesOf(folder: string, missing: readonly string[]): Record<string, () => Promise<unknown>> {
  const names = readdirSync(folder).filter((name) => name.endsWith(".ts") && !missing.includes(name));
  return {
    "./_generated/api.ts": async () => ({}),
    ...Object.fromEntries(
      names.map((name) => [
        `./agentRuntime/${basename(name)}`,
        () => import(/* @vite-ignore */ pathToFileURL(join(folder, name)).href),
      ]),
    ),
  };
}

let watched = false;

/** Each document that is written is held to the limits of documents. */
function watchWrites(): void {
  if (watched) return;
  watched = true;
  type Syscall = (name: string, args: string) => Promise<string>;
  const convex = (globalThis as unknown as { Convex: { readonly asyncSyscall: Syscall } }).Convex;
  const get = Object.getOwnPropertyDescriptor(convex, "asyncSyscall")?.get;
  if (get === undefined) throw new Error("convex-test has changed: nobody would hold documents to their limits");
  Object.defineProperty(convex, "asyncSyscall", {
    get: () => async (name: string, args: string) => {
      const { value } = JSON.parse(args) as { value?: JSONValue };
      if (["1.0/insert", "1.0/shallowMerge", "1.0/replace"].includes(name)) checkDocument(value ?? null);
      return await (get.call(convex) as Syscall)(name, args);
    },
  });
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly deployment: Pick<TestDeployment, "fate" | "calls">;
  readonly run: (call: Call) => Promise<Value>;
}

async function answer({ request, response, deployment, run }: Exchange): Promise<void> {
  let body = "";
  request.setEncoding("utf8");
  for await (const part of request) body += String(part);
  const kind = /^\/api\/(query|mutation)$/.exec(request.url ?? "")?.[1];
  if (kind === undefined || request.method !== "POST") return reply(response, 404, { code: "NotFound" });
  const { path, format, args } = JSON.parse(body) as { path: string; format: string; args: JSONValue[] };
  if (format !== "convex_encoded_json") return reply(response, 400, { code: "BadFormat" });
  const given = args[0] ?? {};
  const call: Call = { kind, path, args: jsonToConvex(given) as DefaultFunctionArgs };
  deployment.calls.push(call);
  const fate = deployment.fate(call);
  if (fate === "hang") return;
  const outcome = fate === "refuse" ? null : await outcomeOf(given, () => run(call));
  if (outcome === null || fate === "lose") return void response.destroy();
  reply(response, outcome.status, outcome.body);
}

async function outcomeOf(args: JSONValue, run: () => Promise<Value>): Promise<{ status: number; body: unknown }> {
  try {
    checkArguments(args);
    const value = convexToJson(await run());
    checkAnswer(value);
    return { status: 200, body: { status: "success", value, logLines: [] } };
  } catch (error) {
    return { status: 560, body: { status: "error", logLines: [], ...saidOf(error) } };
  }
}

/** What production tells of an error: the data of those that functions throw on purpose, and little of others. */
function saidOf(error: unknown): { errorMessage: string; errorData?: JSONValue } {
  const errorMessage = "[Request ID: 0123456789abcdef] Server Error";
  if (error instanceof ConvexError) return { errorMessage, errorData: convexToJson(error.data as Value) };
  if (error instanceof MissingFunction) return { errorMessage: `${errorMessage}\n${error.message}` };
  return { errorMessage };
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
