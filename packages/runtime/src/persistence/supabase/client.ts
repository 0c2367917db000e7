import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { retried } from "../sql/retried.ts";

/** What PostgREST, or the network before it, says of a call that failed. */
export interface SupabaseProblem {
  readonly message: string;
  readonly code?: string;
  readonly details?: string | null;
  readonly hint?: string | null;
}

interface SupabaseAnswer {
  readonly data: unknown;
  readonly error: SupabaseProblem | null;
  /** 0 where nobody answered. */
  readonly status: number;
}

/** What is used of a client of supabase-js: every `SupabaseClient` is one, whichever functions its types know of. */
export interface SupabaseClientLike {
  schema(name: never): { rpc(name: never, args: never): PromiseLike<SupabaseAnswer> };
}

/** The same, for whoever calls functions that its types do not know of. */
interface CallableClient {
  schema(name: string): { rpc(name: string, args: object): PromiseLike<SupabaseAnswer> };
}

/** A call that failed, as its answer says. */
export class SupabaseFailure extends Error {
  readonly status: number;
  readonly problem: SupabaseProblem;

  constructor(status: number, problem: SupabaseProblem) {
    super(problem.message);
    this.name = "SupabaseFailure";
    this.status = status;
    this.problem = problem;
  }
}

/** Calls one of our functions in the database. Throws a `SupabaseFailure`. */
export type Rpc = (name: string, args?: Readonly<Record<string, unknown>>) => Promise<unknown>;

/** `schema`: the exposed one that has the functions. */
export function rpcOf(client: SupabaseClientLike, schema: string): Rpc {
  const callable: CallableClient = client;
  return async (name, args = {}) =>
    await retried(stoodInTheWay, async () => {
      const { data, error, status } = await callable.schema(schema).rpc(`agent_runtime_${name}`, args);
      if (error !== null) throw new SupabaseFailure(status, error);
      return data;
    });
}

/** Two transactions stood in each other's way, and this one was taken back. */
function stoodInTheWay(error: unknown): boolean {
  return error instanceof SupabaseFailure && ["40001", "40P01"].includes(error.problem.code ?? "");
}

/** How long a call may take before it counts as failed. */
const CALL_MS = 30_000;

interface ClientOptions {
  readonly auth: Readonly<Record<"persistSession" | "autoRefreshToken" | "detectSessionInUrl", false>>;
  readonly global: { readonly fetch: typeof fetch };
}

/** Of supabase-js: what makes a client. */
export type CreateClient = (url: string, key: string, options: ClientOptions) => SupabaseClientLike;

/** Loads supabase-js, which is an optional dependency, when it is first needed. */
export async function loadCreateClient(
  load: () => Promise<{ readonly createClient: CreateClient }> = () => import("@supabase/supabase-js"),
): Promise<CreateClient> {
  try {
    return (await load()).createClient;
  } catch (cause) {
    const message = "Supabase needs the package @supabase/supabase-js: npm install @supabase/supabase-js@2.119.1";
    throw new RuntimeError("missing_dependency", message, { cause });
  }
}

interface ServerClientOptions {
  readonly url: string;
  readonly key: string;
  readonly callTimeoutMs?: number | undefined;
}

/** A client for a server: it keeps no user's session, and no call of it hangs. */
export function serverClient(
  createClient: CreateClient,
  { url, key, callTimeoutMs = CALL_MS }: ServerClientOptions,
): SupabaseClientLike {
  const auth = { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false } as const;
  const fetchInTime: typeof fetch = async (input, init) => {
    const signals = [AbortSignal.timeout(callTimeoutMs), ...(init?.signal ? [init.signal] : [])];
    return await fetch(input, { ...init, signal: AbortSignal.any(signals) });
  };
  return createClient(url, key, { auth, global: { fetch: fetchInTime } });
}
