/** Who may call: whoever has the deployment's secret. Everything that the runtime calls is built here. */
import {
  mutationGeneric,
  queryGeneric,
  type GenericMutationCtx,
  type GenericQueryCtx,
  type RegisteredMutation,
  type RegisteredQuery,
} from "convex/server";
import { ConvexError, v, type ObjectType, type PropertyValidators } from "convex/values";
import type { DataModel } from "./schema.ts";

export type Reader = GenericQueryCtx<DataModel>;
export type Writer = GenericMutationCtx<DataModel>;

declare const process: { readonly env: Readonly<Record<string, string | undefined>> };

/** Shorter ones are as good as none. */
const LEAST_SECRET = 32;

/** Throws what the caller can act on: its data reaches the client, an error's message may not. */
export function fail(code: string, more: Record<string, string | number> = {}): never {
  throw new ConvexError({ agentRuntime: code, ...more });
}

function checkSecret(given: string): void {
  const secret = process.env["AGENT_RUNTIME_SECRET"] ?? "";
  if (secret.length < LEAST_SECRET) fail("no_secret");
  // In the same time whatever was given, so that nobody can find it out letter by letter.
  let differs = given.length ^ secret.length;
  for (let at = 0; at < secret.length; at += 1) differs |= (given.charCodeAt(at) || 0) ^ secret.charCodeAt(at);
  if (differs !== 0) fail("wrong_secret");
}

type WithSecret<A extends PropertyValidators> = ObjectType<A> & { secret: string };

/** A query that needs the secret. */
export function query<A extends PropertyValidators, R>(
  args: A,
  handler: (ctx: Reader, args: ObjectType<A>) => Promise<R>,
): RegisteredQuery<"public", WithSecret<A>, Promise<R>> {
  const guarded = async (ctx: Reader, { secret, ...rest }: { secret: string }) => {
    checkSecret(secret);
    return await handler(ctx, rest as unknown as ObjectType<A>);
  };
  const definition = { args: { ...args, secret: v.string() }, handler: guarded };
  return queryGeneric(definition as never) as never;
}

/** A mutation that needs the secret. */
export function mutation<A extends PropertyValidators, R>(
  args: A,
  handler: (ctx: Writer, args: ObjectType<A>) => Promise<R>,
): RegisteredMutation<"public", WithSecret<A>, Promise<R>> {
  const guarded = async (ctx: Writer, { secret, ...rest }: { secret: string }) => {
    checkSecret(secret);
    return await handler(ctx, rest as unknown as ObjectType<A>);
  };
  const definition = { args: { ...args, secret: v.string() }, handler: guarded };
  return mutationGeneric(definition as never) as never;
}
