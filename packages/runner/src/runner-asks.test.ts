import { NO_USAGE, type OpenedAsk } from "@hhopkins/agent-runtime-protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { HarnessAsking, TurnEnd } from "./architecture.ts";
import { fakeArchitecture } from "./testing/fake-architecture.ts";
import { RunnerFixture, START, kinds, message } from "./testing/runner-fixture.ts";

let fixture: RunnerFixture;
beforeEach(async () => {
  fixture = new RunnerFixture();
  await fixture.server.listen();
});
afterEach(() => fixture.remove());

const END: TurnEnd = { status: "completed", usage: NO_USAGE, costUSD: 0 };
const ASK: OpenedAsk = { askId: "a1", conversationId: "main", kind: "permission", prompt: "May I?", toolUseId: "a1" };

/** A harness whose turn waits until it is answered or deferred. */
function waiting() {
  const over = Promise.withResolvers<Partial<TurnEnd>>();
  const told: unknown[] = [];
  const asking: HarnessAsking = {
    answer(askId, answer) {
      told.push([askId, answer]);
      over.resolve({});
    },
    async defer() {
      over.resolve({ status: "interrupted", deferred: true });
      return { deferred: true };
    },
    async continueTurn(turn) {
      told.push(turn);
      return END;
    },
  };
  const fake = fakeArchitecture(
    async ({ spec }) => {
      await spec.emit({ kind: "ask:opened", ask: ASK });
      return over.promise;
    },
    undefined,
    asking,
  );
  return { fake, told };
}

describe("a runner whose agent asks", () => {
  it("passes the answer on to the turn that waits, and does nothing with one that nobody waits for", async () => {
    const { fake, told } = waiting();
    await fixture.run(fake);
    const peer = await fixture.attached();
    await peer.ask("c1", START);
    const answer = { kind: "answer", askId: "a1", answer: { decision: "allow" } } as const;
    expect(await peer.ask("c2", answer)).toMatchObject({ ok: true });
    expect(told).toEqual([]);
    await peer.ask("c3", message("t1"));
    expect(await peer.entry("ask:opened")).toEqual({ kind: "ask:opened", ask: ASK });
    expect(await peer.ask("c4", answer)).toMatchObject({ ok: true });
    expect(await peer.entry("turn:ended")).toMatchObject({ turnId: "t1", status: "completed" });
    expect(told).toEqual([["a1", { decision: "allow" }]]);
  });

  it("puts a turn off: it is over here and not ended, the runner can end, and another one goes on", async () => {
    const { fake, told } = waiting();
    await fixture.run(fake);
    const peer = await fixture.attached();
    await peer.ask("c1", START);
    expect(await peer.ask("c2", { kind: "defer", turnId: "t1" })).toMatchObject({ data: { deferred: false } });
    await peer.ask("c3", message("t1"));
    await peer.entry("ask:opened");
    expect(await peer.ask("c4", { kind: "defer", turnId: "t1" })).toMatchObject({ data: { deferred: true } });
    expect(await peer.entry("turn:deferred")).toEqual({ kind: "turn:deferred", turnId: "t1" });
    expect(kinds(peer)).not.toContain("turn:ended");
    const asks = [{ ask: ASK, answer: { decision: "deny" as const } }];
    expect(await peer.ask("c5", { kind: "continue", turnId: "t1", asks })).toMatchObject({ ok: true });
    expect(await peer.entry("turn:ended")).toMatchObject({ turnId: "t1", status: "completed" });
    expect(told).toEqual([{ turnId: "t1", asks }]);
    expect(await peer.ask("c6", { kind: "prepare-end" })).toMatchObject({ ok: true });
  });

  it("fails a turn that a harness cannot go on with, and defers none that asks nobody", async () => {
    const release = Promise.withResolvers<void>();
    await fixture.run(fakeArchitecture(() => release.promise));
    const peer = await fixture.attached();
    await peer.ask("c1", START);
    await peer.ask("c2", message("t1"));
    expect(await peer.ask("c3", { kind: "defer", turnId: "t1" })).toMatchObject({ data: { deferred: false } });
    expect(await peer.ask("c4", { kind: "continue", turnId: "t2", asks: [{ ask: ASK }] })).toMatchObject({
      ok: false,
      error: { code: "conflict" },
    });
    release.resolve();
    await peer.entry("turn:ended");
    await peer.ask("c5", { kind: "continue", turnId: "t2", asks: [{ ask: ASK }] });
    await expect.poll(() => kinds(peer).filter((kind) => kind === "turn:ended")).toHaveLength(2);
    expect(JSON.stringify(peer.entries)).toContain("not_supported");
  });
});
