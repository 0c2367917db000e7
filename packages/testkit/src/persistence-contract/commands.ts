import assert from "node:assert/strict";
import type { SessionCommand } from "@hhopkins/agent-runtime-protocol";
import { die, live, openCluster, shared, until } from "./cluster-scene.ts";
import { createSession, key, ODD_TEXT } from "./samples.ts";
import { assertRejects, needed, type PersistenceCase } from "./subject.ts";

function command(id: string, more: Partial<SessionCommand> = {}): SessionCommand {
  return { ...key("s1"), id, from: "b", method: "send", body: { content: id }, ...more };
}

const idsOf = (commands: readonly { id: string }[]): string[] => commands.map(({ id }) => id);

const DONE = { ok: true, data: { messageId: "m1", odd: ODD_TEXT, list: [1, null] } } as const;

export const commandCases: Record<string, PersistenceCase> = {
  "commands: wait for the node that runs the session, as they were sent": async (subject) => {
    const { store, cluster, other } = await openCluster(subject);
    for (const id of ["s1", "s2"]) await createSession(store, key(id));
    await live(cluster, "a", "b");
    await cluster.claim(key("s1"), "a");
    await cluster.claim(key("s2"), "b");
    const body = { content: ODD_TEXT, deep: { list: [1, 2.5, null, false, {}] } };
    const sent = command("c1", { method: "interrupt", body });
    await other.cluster.send(sent);
    await cluster.send(command("c2", { sessionId: "s2", body: null }));
    assert.deepEqual(await cluster.waiting("a", 10), [sent]);
    assert.deepEqual(idsOf(await cluster.waiting("b", 10)), ["c2"]);
    assert.deepEqual(await cluster.waiting("never-was", 10), []);
    assert.deepEqual(await cluster.waiting("a", 10), [sent], "looking takes nothing away");
  },

  "commands: in the order of their ids, at most as many as were asked for": async (subject) => {
    const { store, cluster } = await openCluster(subject);
    for (const id of ["s1", "s2"]) await createSession(store, key(id));
    await live(cluster, "a");
    for (const id of ["s1", "s2"]) await cluster.claim(key(id), "a");
    for (const id of ["c-3", "c-10", "C-1", "c-1"]) {
      await cluster.send(command(id, { sessionId: id === "c-10" ? "s2" : "s1" }));
    }
    assert.deepEqual(idsOf(await cluster.waiting("a", 10)), ["C-1", "c-1", "c-10", "c-3"]);
    assert.deepEqual(idsOf(await cluster.waiting("a", 2)), ["C-1", "c-1"]);
    await cluster.answer("C-1", DONE);
    assert.deepEqual(idsOf(await cluster.waiting("a", 2)), ["c-1", "c-10"]);
  },

  "commands: one id is one command, also once it is answered": async (subject) => {
    const { store, cluster, other } = await openCluster(subject);
    await createSession(store, key("s1"));
    await live(cluster, "a");
    await cluster.claim(key("s1"), "a");
    const first = command("c1", { body: "first" });
    const again = Array.from({ length: 10 }, (_, index) => (index % 2 ? cluster : other.cluster).send(first));
    await Promise.all(again);
    await cluster.send(command("c1", { body: "second" }));
    assert.deepEqual(await cluster.waiting("a", 10), [first]);
    await cluster.answer("c1", DONE);
    await cluster.send(first);
    assert.deepEqual(await cluster.waiting("a", 10), []);
    assert.deepEqual(await cluster.answers(["c1"]), [DONE]);
  },

  "commands: what twenty send at once is all there": async (subject) => {
    const { store, cluster, other } = await openCluster(subject);
    await createSession(store, key("s1"));
    await live(cluster, "a");
    await cluster.claim(key("s1"), "a");
    const ids = Array.from({ length: 20 }, (_, index) => `c-${index + 10}`);
    await Promise.all(ids.map((id, index) => (index % 2 ? cluster : other.cluster).send(command(id))));
    assert.deepEqual(idsOf(await other.cluster.waiting("a", 100)), ids);
  },

  "commands: go with the session to the node that takes it over": async (subject) => {
    const { store, cluster, other } = await openCluster(subject);
    await createSession(store, key("s1"));
    await cluster.send(command("c1"));
    await live(cluster, "a", "b");
    assert.deepEqual(await cluster.waiting("a", 10), []);
    await cluster.claim(key("s1"), "a");
    assert.deepEqual(idsOf(await cluster.waiting("a", 10)), ["c1"]);
    await die(cluster, "a", "b");
    await other.cluster.claim(key("s1"), "b");
    assert.deepEqual(idsOf(await cluster.waiting("a", 10)), []);
    assert.deepEqual(idsOf(await other.cluster.waiting("b", 10)), ["c1"]);
  },

  "commands: after their time they wait no more; without one they wait on": async (subject) => {
    const { store, cluster } = await openCluster(subject);
    for (const id of ["s1", "s2"]) await createSession(store, key(id));
    await live(cluster, "a");
    await cluster.claim(key("s1"), "a");
    await cluster.send(command("c1"));
    await cluster.send(command("c2", { validMs: 600_000 }));
    await cluster.send(command("c3", { validMs: 1 }));
    await cluster.send(command("c4", { sessionId: "s2", validMs: 1 }));
    await until(async () => (await cluster.waiting("a", 10)).length === 2);
    assert.deepEqual(idsOf(await cluster.waiting("a", 10)), ["c1", "c2"]);
    await until(async () => (await cluster.abandoned(10)).length === 0);
  },

  "commands: to a session that is not there are refused": async (subject) => {
    const { store, cluster } = await openCluster(subject);
    await assertRejects(cluster.send(command("c1")), "session_not_found");
    await createSession(store, key("s1"));
    await assertRejects(cluster.send(command("c1", { tenant: "other" })), "session_not_found");
    assert.deepEqual(await cluster.abandoned(10), []);
  },

  "commands: each tenant's session has its own": async (subject) => {
    const { store, cluster } = await openCluster(subject);
    const other = key("s1", "other");
    for (const at of [key("s1"), other]) await createSession(store, at);
    await live(cluster, "a", "b");
    await cluster.claim(key("s1"), "a");
    await cluster.claim(other, "b");
    await cluster.send(command("c1"));
    await cluster.send(command("c2", other));
    assert.deepEqual(await cluster.waiting("a", 10), [command("c1")]);
    assert.deepEqual(await cluster.waiting("b", 10), [command("c2", other)]);
    await store.delete(key("s1"));
    assert.deepEqual(await cluster.waiting("a", 10), []);
    assert.deepEqual(await cluster.waiting("b", 10), [command("c2", other)]);
  },

  "commands: go with a session that is deleted, and nothing is left": async (subject) => {
    const { store, cluster } = await openCluster(subject);
    await live(cluster, "a");
    const before = await subject.rowCount?.();
    await createSession(store, key("s1"));
    await cluster.claim(key("s1"), "a");
    for (const id of ["c1", "c2", "c3"]) await cluster.send(command(id));
    await cluster.answer("c3", DONE);
    await cluster.forget(["c3"]);
    await store.delete(key("s1"));
    assert.equal(await subject.rowCount?.(), before);
    await createSession(store, key("s1"));
    await cluster.claim(key("s1"), "a");
    assert.deepEqual(await cluster.waiting("a", 10), []);
    assert.deepEqual(await cluster.answers(["c1", "c2", "c3"]), [null, null, null]);
  },

  "answers: the first one counts, in the order of the question, until it is forgotten": async (subject) => {
    const { store, cluster, other } = await openCluster(subject);
    await createSession(store, key("s1"));
    await live(cluster, "a");
    await cluster.claim(key("s1"), "a");
    for (const id of ["c1", "c2", "c3"]) await cluster.send(command(id));
    const failed = { ok: false, error: { code: "conflict", message: ODD_TEXT, field: "x", more: [1] } } as const;
    await cluster.answer("c1", DONE);
    await cluster.answer("c1", failed);
    await cluster.answer("c2", failed);
    assert.deepEqual(idsOf(await cluster.waiting("a", 10)), ["c3"]);
    assert.deepEqual(await other.cluster.answers(["c2", "none", "c3", "c1"]), [failed, null, null, DONE]);
    assert.deepEqual(await cluster.answers([]), []);
    await other.cluster.forget(["c1", "none"]);
    await cluster.forget([]);
    assert.deepEqual(await cluster.answers(["c1", "c2"]), [null, failed]);
  },

  "answers: to a command whose session it has deleted is kept all the same": async (subject) => {
    const { store, cluster } = await openCluster(subject);
    await createSession(store, key("s1"));
    await live(cluster, "a");
    await cluster.claim(key("s1"), "a");
    await cluster.send(command("c1", { method: "delete", body: null }));
    await store.delete(key("s1"));
    await cluster.answer("c1", { ok: true, data: null });
    assert.deepEqual(await cluster.answers(["c1"]), [{ ok: true, data: null }]);
  },

  "commands and answers: they are there for another process": async (subject) => {
    const reopen = needed(subject, "reopen");
    const { store, cluster } = await openCluster(subject);
    await createSession(store, key("s1"));
    await live(cluster, "a");
    await cluster.claim(key("s1"), "a");
    for (const id of ["c1", "c2"]) await cluster.send(command(id));
    await cluster.answer("c1", DONE);
    const { cluster: again } = shared(await reopen());
    assert.deepEqual(idsOf(await again.waiting("a", 10)), ["c2"]);
    assert.deepEqual(await again.answers(["c1"]), [DONE]);
  },

  "closed: every method of a cluster says so": async (subject) => {
    const adapter = await subject.open();
    const { store, cluster } = shared(adapter);
    await createSession(store, key("s1"));
    await adapter.close?.();
    const lease = { nodeId: "a", fence: 1 };
    const calls = [
      live(cluster, "a"),
      cluster.leave("a"),
      cluster.claim(key("s1"), "a"),
      cluster.lease(key("s1")),
      cluster.release(key("s1"), lease),
      cluster.leases("a"),
      cluster.abandoned(1),
      cluster.tails([key("s1")]),
      cluster.send(command("c1")),
      cluster.waiting("a", 1),
      cluster.answer("c1", DONE),
      cluster.answers(["c1"]),
      cluster.forget(["c1"]),
    ];
    for (const call of calls) await assertRejects(call, "persistence_unavailable");
  },
};
