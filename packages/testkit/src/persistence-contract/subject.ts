import assert from "node:assert/strict";
import {
  RuntimeError,
  type ErrorCode,
  type PersistenceAdapter,
  type SessionStore,
} from "@hhopkins/agent-runtime-protocol";
import { CannotBeShown } from "../case-outcome.ts";

/** What a case is given: a way to the adapter that is tested. Each case gets a subject of its own. */
export interface PersistenceSubject {
  /** The adapter, opened, with nothing in it: no session, no node, no command. Called once a case. */
  open(): Promise<PersistenceAdapter>;
  /** The same data as another process would find it: closes what `open` gave, opens it anew. Absent: nothing is kept. */
  reopen?(): Promise<PersistenceAdapter>;
  /** The same data through a second instance of the adapter, opened, beside the first: as another process has it. */
  second?(): Promise<PersistenceAdapter>;
  /** How many rows or documents there are of any session, commands and answers among them. */
  rowCount?(): Promise<number>;
  /** `false`: the store takes the tenant `default` alone, and refuses others with `not_supported`. */
  readonly tenants?: boolean;
  /** `false`: the store keeps no checkpoints, and refuses to be asked for them with `not_supported`. */
  readonly checkpoints?: boolean;
  /** Why one of those is absent. Stands beside the cases that are skipped for it. */
  readonly because?: { readonly [name in "reopen" | "second" | "rowCount" | "tenants" | "checkpoints"]?: string };
}

/** A part of the subject that a case cannot do without: where it is absent, the case cannot be shown. */
export function needed<N extends "reopen" | "second" | "rowCount">(
  subject: PersistenceSubject,
  name: N,
): NonNullable<PersistenceSubject[N]> {
  const part = subject[name];
  if (part === undefined) throw new CannotBeShown(subject.because?.[name] ?? `the subject has no ${name}`);
  return part.bind(subject) as NonNullable<PersistenceSubject[N]>;
}

/** For cases of more than one tenant. */
export function needTenants(subject: PersistenceSubject): void {
  if (subject.tenants !== false) return;
  throw new CannotBeShown(subject.because?.tenants ?? "the store knows one tenant alone");
}

/** For cases of checkpoints. */
export function needCheckpoints(subject: PersistenceSubject): void {
  if (subject.checkpoints !== false) return;
  throw new CannotBeShown(subject.because?.checkpoints ?? "the store keeps no checkpoints");
}

export type PersistenceCase = (subject: PersistenceSubject) => Promise<void>;

/** The adapter's store. The cases of stores are for adapters that have one. */
export function storeOf(adapter: PersistenceAdapter): SessionStore {
  assert.ok(adapter.store, "the adapter has no store");
  return adapter.store;
}

export async function openStore(subject: PersistenceSubject): Promise<SessionStore> {
  return storeOf(await subject.open());
}

/** Asserts that something is a `RuntimeError` with this code. */
export function assertCode(error: unknown, code: ErrorCode): void {
  assert.ok(error instanceof RuntimeError, `expected a RuntimeError with the code ${code}, got ${String(error)}`);
  assert.equal(error.code, code, error.message);
}

/** Asserts that a promise rejects with a `RuntimeError` of this code. */
export async function assertRejects(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  await assert.rejects(promise, (error) => {
    assertCode(error, code);
    return true;
  });
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
