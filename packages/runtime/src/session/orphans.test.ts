import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Sandbox, SandboxRef, SandboxTags } from "../sandbox/port.ts";
import { endOrphans, keepEndingOrphans } from "./orphans.ts";
import type { SessionParts } from "./session-parts.ts";
import { warmTag } from "./warm-sandbox.ts";

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** A cloud where every node sees every sandbox, by their tags `session generation`. */
function cloud(running: Set<string>, about: { owned?: readonly string[]; others?: () => readonly string[] }) {
  const tagsOf = (name: string): SandboxTags => {
    const [session = "", generation = ""] = name.split(" ");
    return { deployment: "d", tenant: "default", session, generation };
  };
  const provider = {
    name: "cloud",
    list: async () => [...running].map((name) => ({ ref: { name } satisfies SandboxRef, tags: tagsOf(name) })),
    attach: async (ref: SandboxRef) =>
      ({ terminate: async () => void running.delete(String(ref["name"])) }) as unknown as Sandbox,
  };
  const claimed = async () =>
    (about.owned ?? []).map((name) => {
      const { session, generation } = tagsOf(name);
      const sandbox = { provider: "cloud", generation: Number(generation), ref: null, token: "", started: true };
      return session.startsWith("warm-")
        ? { tenant: "default", sessionId: "claimed", sandbox: { ...sandbox, tag: session } }
        : { tenant: "default", sessionId: session, sandbox };
    });
  const node = { nodeId: "me", leaseMs: 1, others: about.others ?? (() => []) };
  const parts = { provider, store: { claimed }, deployment: "d", log: quiet, node, warm: { knows: () => false } };
  return { parts: parts as unknown as SessionParts, node: node as never, claimed, provider };
}

test("what belongs to a session of any node, or is kept warm by one that lives, is left alone", async () => {
  const warm = (node: string): string => `${warmTag(node)}1 1`;
  const running = new Set(["s1 2", "s1 1", "s2 1", warm("other"), warm("gone"), warm("claimed-of-gone"), "warm-1 1"]);
  const owned = ["s1 2", warm("claimed-of-gone")];
  const { parts, provider, claimed } = cloud(running, { owned, others: () => ["other"] });
  await endOrphans(parts, await provider.list(), await claimed());
  expect([...running]).toEqual(["s1 2", warm("other"), warm("claimed-of-gone")]);
});

test("it goes on until it is told to stop, and a node that came meanwhile keeps what it has", async () => {
  const running = new Set([`${warmTag("new")}1 1`, "s1 1"]);
  let listed = 0;
  const { parts, node, provider } = cloud(running, { others: () => (listed > 0 ? ["new"] : []) });
  const list = provider.list;
  provider.list = async () => {
    listed += 1;
    return list();
  };
  const stop = new AbortController();
  const over = keepEndingOrphans(parts, { node, signal: stop.signal, againMs: 1 });
  while (running.size > 1) await delay(1);
  running.add("s2 1");
  while (running.size > 1) await delay(1);
  expect([...running]).toEqual([`${warmTag("new")}1 1`]);
  stop.abort();
  await over;
});
