import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { ConvexHttpClient } from "convex/browser";
import type { anyApi, ApiFromModules, FunctionReference, FunctionReturnType } from "convex/server";
import { convexError } from "./errors.ts";
import type * as appends from "./functions/appends.ts";
import type * as commands from "./functions/commands.ts";
import type * as compactions from "./functions/compactions.ts";
import type * as files from "./functions/files.ts";
import type * as lists from "./functions/lists.ts";
import type * as nodes from "./functions/nodes.ts";
import type * as reads from "./functions/reads.ts";
import type * as removals from "./functions/removals.ts";
import type * as transcripts from "./functions/transcripts.ts";
import type * as version from "./functions/version.ts";
import { places } from "./places.ts";

/** The deployment's functions, as they are when they were copied to `convex/agentRuntime`. */
export type ConvexApi = ApiFromModules<{
  appends: typeof appends;
  commands: typeof commands;
  compactions: typeof compactions;
  files: typeof files;
  lists: typeof lists;
  nodes: typeof nodes;
  reads: typeof reads;
  removals: typeof removals;
  transcripts: typeof transcripts;
  version: typeof version;
}>;

type Query = FunctionReference<"query">;
type Mutation = FunctionReference<"mutation">;
type Arguments<F extends Query | Mutation> = Omit<F["_args"], "secret">;

/** Calls functions of a deployment with its secret. Rejects with `RuntimeError`s. */
export interface ConvexCalls {
  query<F extends Query>(choose: (api: ConvexApi) => F, args: Arguments<F>): Promise<FunctionReturnType<F>>;
  mutation<F extends Mutation>(choose: (api: ConvexApi) => F, args: Arguments<F>): Promise<FunctionReturnType<F>>;
}

/** What we use of the package `convex`. */
export interface ConvexPackage {
  readonly ConvexHttpClient: typeof ConvexHttpClient;
  readonly anyApi: typeof anyApi;
}

/** Loads `convex`, which is an optional dependency, when it is first needed. */
export async function loadConvex(
  load: () => Promise<ConvexPackage> = async () => ({
    ...(await import("convex/browser")),
    ...(await import("convex/server")),
  }),
): Promise<ConvexPackage> {
  try {
    return await load();
  } catch (cause) {
    const message = "Convex needs the package convex: npm install convex@1.48.0";
    throw new RuntimeError("missing_dependency", message, { cause });
  }
}

/** How long a call may take: shorter than the runtime waits for its store, so that nothing is done late. */
const CALL_MS = 10_000;

/** Calls of one kind under way at once: the smallest deployments run 16 queries and 16 mutations, of all who call. */
const AT_ONCE = 12;

/** A client of the deployment at `url`. Its calls go side by side; none is tried again by itself. */
export function convexCalls(
  { ConvexHttpClient, anyApi }: ConvexPackage,
  { url, secret }: { url: string; secret: string },
): ConvexCalls {
  const client = new ConvexHttpClient(url, { skipConvexDeploymentUrlCheck: true, logger: false, fetch: inTime });
  const api = anyApi["agentRuntime"] as unknown as ConvexApi;
  const queries = places(AT_ONCE);
  const mutations = places(AT_ONCE);
  const call = async <T>(inPlace: typeof queries, run: () => Promise<T>): Promise<T> => {
    try {
      return await inPlace(run);
    } catch (error) {
      throw convexError(error, url);
    }
  };
  return {
    query: (choose, args) => call(queries, () => client.query(choose(api), ...([{ ...args, secret }] as never))),
    mutation: (choose, args) =>
      call(mutations, () => client.mutation(choose(api), ...([{ ...args, secret }, { skipQueue: true }] as never))),
  };
}

const inTime: typeof fetch = async (input, init) =>
  await fetch(input, { ...init, signal: AbortSignal.timeout(CALL_MS) });
