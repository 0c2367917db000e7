import { RuntimeError, type ErrorCode, type SessionEvent } from "@hhopkins/agent-runtime-protocol";
import { expect } from "vitest";
import type { SessionStore } from "../session-store.ts";

const AT = "2026-11-22T08:00:00Z";

/** The one session that tests of faults write to. */
export const key = { tenant: "default", sessionId: "s1" };
export const record = { sessionId: "s1", type: "t", agentProfileReference: "default", createdAt: AT };

export function delta(seq: number, text = "x"): SessionEvent {
  const data = { sessionId: "s1", conversationId: "main", blockId: "b1", delta: text };
  return { seq, at: AT, type: "session:block:delta", data };
}

/** The session with its first event. */
export async function create(store: SessionStore): Promise<void> {
  await store.create({ ...key, record, logId: "L", first: { events: [delta(1)] } });
}

/** What a promise that must fail fails by: an error of ours. */
export async function failure(promise: Promise<unknown> | undefined): Promise<RuntimeError> {
  const error = await Promise.resolve(promise).then(
    () => expect.fail("it did not fail"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RuntimeError);
  return error as RuntimeError;
}

export function expectError(error: unknown, code: ErrorCode, text: RegExp): void {
  expect((error as Error).message).toMatch(text);
  expect(error).toMatchObject({ code });
}

/** Options that are refused at once, each by name, and without the password in them (`secret-word`). */
export function expectRefused<T>(adapter: (options: T) => unknown, wrong: readonly [options: T, text: RegExp][]): void {
  for (const [options, text] of wrong) {
    let refusal: unknown;
    try {
      adapter(options);
    } catch (error) {
      refusal = error;
    }
    expectError(refusal, "invalid_configuration", text);
    expect((refusal as Error).message).not.toContain("secret-word");
  }
}
