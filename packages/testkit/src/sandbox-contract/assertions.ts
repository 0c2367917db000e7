import assert from "node:assert/strict";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { ErrorCode } from "@hhopkins/agent-runtime-protocol";
import { soon } from "./inside.ts";

/** Asserts that a promise rejects with a `RuntimeError` of this code, with a message. */
export async function assertRefused(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  const error: unknown = await soon(
    `an error with code ${code}`,
    promise.then(
      () => null,
      (thrown: unknown) => thrown,
    ),
  );
  assert.ok(error instanceof RuntimeError, `expected a RuntimeError with the code ${code}, got ${String(error)}`);
  assert.equal(error.code, code, error.message);
  assert.notEqual(error.message, "");
}

/** A program that was ended by a signal: no exit code, or the one that shells and engines make of it. */
export function assertKilled(code: number | null): void {
  assert.ok(code === null || code === 137, `the program was killed, and its exit code is ${code}`);
}

/** Bytes of every value, in an order that repeats late. */
export function oddBytes(size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  for (let index = 0; index < size; index += 1) bytes[index] = (index * 7 + (index >> 8) + (index >> 16)) % 256;
  return bytes;
}
