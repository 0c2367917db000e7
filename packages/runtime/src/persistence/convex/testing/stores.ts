import { RuntimeError, type SessionEvent } from "@hhopkins/agent-runtime-protocol";
import { expect, onTestFinished } from "vitest";
import type { PersistenceAdapter } from "../../port.ts";
import type { SessionStore } from "../../session-store.ts";
import { convexPersistence } from "../index.ts";
import { startDeployment, TEST_SECRET, type TestDeployment, type TestDeploymentOptions } from "./deployment.ts";

export const KEY = { tenant: "default", sessionId: "s1" };

/** A deployment for one test. */
export async function deploymentForTest(options: TestDeploymentOptions = {}): Promise<TestDeployment> {
  const deployment = await startDeployment(options);
  onTestFinished(() => deployment.stop());
  return deployment;
}

export async function openedStore(deployment: TestDeployment): Promise<PersistenceAdapter & { store: SessionStore }> {
  const adapter = convexPersistence({ url: deployment.url, secret: TEST_SECRET, cluster: true });
  await adapter.open?.();
  onTestFinished(async () => adapter.close?.());
  return adapter;
}

export async function createSession(store: SessionStore, metadata: Record<string, unknown> = {}): Promise<void> {
  const { sessionId } = KEY;
  const at = "2026-11-22T08:00:00Z";
  const record = { sessionId, type: "t", agentProfileReference: "default", createdAt: at, metadata };
  const events: SessionEvent[] = [{ seq: 1, at, type: "session:created", data: { sessionId, session: record } }];
  await store.create({ ...KEY, record, logId: "L", first: { events } });
}

export function delta(seq: number, text = `text ${seq}`): SessionEvent {
  const data = { sessionId: KEY.sessionId, conversationId: "main", blockId: "b1", delta: text };
  return { seq, at: "2026-11-22T08:00:00Z", type: "session:block:delta", data };
}

export async function failure(promise: Promise<unknown> | undefined): Promise<RuntimeError> {
  const error = await Promise.resolve(promise).then(
    () => expect.fail("it did not fail"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RuntimeError);
  return error as RuntimeError;
}
