import { expect, test, vi } from "vitest";
import type { Sandbox } from "../sandbox/port.ts";
import { connectSandbox, type SandboxConnection } from "./connect-sandbox.ts";
import type { SessionParts } from "./session-parts.ts";
import { UnsavedBytes } from "./unsaved-bytes.ts";

const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };

/** A sandbox whose runner says nothing. */
async function connected() {
  const closing = { close: async () => undefined, revoke: async () => undefined };
  const gateway: Pick<SessionParts["gateway"], "serve"> = { serve: async () => closing };
  const sandbox: Pick<Sandbox, "accept" | "status"> = { accept: async () => closing, status: async () => "running" };
  const nothing = (): void => undefined;
  const connection: Omit<SandboxConnection, "sandbox"> = {
    stored: { provider: "none", ref: null, generation: 1, token: "t", started: true },
    rules: { allowedHosts: [], secrets: [] },
    fence: 1,
    taken: 0,
    unsaved: new UnsavedBytes({ perSession: 1024, total: 1024 }).account(),
    isStarted: () => false,
    onEntries: nothing,
    onEnding: nothing,
    onGone: nothing,
    onDisowned: nothing,
    tell: async () => undefined,
  };
  const key = { tenant: "default", sessionId: "s1" };
  const parts = { gateway, log } as unknown as SessionParts;
  return connectSandbox(parts, key, { ...connection, sandbox: sandbox as Sandbox });
}

test("who waits for a runner's answer is told to ask again where the server lets go of it, and of its loss where it has ended", async () => {
  const released = await connected();
  const asked = released.link.command("a", { kind: "sync" });
  await Promise.all([
    expect(asked).rejects.toMatchObject({ code: "unavailable", retryAfter: 1 }),
    released.close({ ended: false }),
  ]);
  await expect(released.link.command("b", { kind: "sync" })).rejects.toMatchObject({ code: "unavailable" });
  const lost = await connected();
  const never = lost.link.command("a", { kind: "sync" });
  await Promise.all([expect(never).rejects.toMatchObject({ code: "sandbox_lost" }), lost.close({ ended: true })]);
});
