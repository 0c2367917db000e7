// @vitest-environment jsdom
import type { UseAgentSession, UseMessages } from "@hhopkins/agent-runtime-react";
import { describe, expect, test, vi } from "vitest";
import { at, HookBench, soon, text } from "./testing/hook-bench.ts";
import { problem } from "./testing/played-server.ts";
import type { ReactVersion } from "./testing/react-lab.ts";

describe.each<ReactVersion>([19, 18])("React %i", (version) => {
  const b = new HookBench(version);

  describe("races", () => {
    test("ids that change quickly: the last one is shown, and the others' lines end", async () => {
      for (let n = 0; n < 20; n += 1) b.server.create(`s${n}`, { blocks: [text(`b${n}`)] });
      const wrong: string[] = [];
      const { seen, show } = b.probe<string, UseMessages["blocks"]>((id) => {
        const { session } = b.lab.kit.useAgentSession(id);
        const { blocks } = b.lab.kit.useMessages(id);
        if (session !== undefined && session.sessionId !== id) wrong.push(`${session.sessionId} for ${id}`);
        for (const block of blocks) if (block.id !== id.replace("s", "b")) wrong.push(`${block.id} for ${id}`);
        return blocks;
      }, "s0");
      for (let n = 1; n < 20; n += 1) {
        show(`s${n}`);
        if (n % 3 === 0) await new Promise((resolve) => setTimeout(resolve, n));
      }
      await soon(() => expect(seen.current).toMatchObject([{ id: "b19" }]));
      await soon(() => expect(b.server.open.map(({ joined }) => [...joined])).toEqual([["s19"]]));
      expect(wrong).toEqual([]);
    });

    test("unmounted while it loads: nothing is opened, nothing complains", async () => {
      const complaints = vi.spyOn(console, "error");
      b.server.create("s");
      const gate = Promise.withResolvers<undefined>();
      b.server.answer = async () => gate.promise;
      const { seen } = b.probe(b.lab.kit.useAgentSession, "s");
      await soon(() => expect(b.server.requests).toHaveLength(1));
      const creating = seen.current.createSession("p", "a");
      b.unmount();
      gate.resolve(undefined);
      await creating;
      await soon(() => expect(b.server.open).toHaveLength(0));
      expect(complaints).not.toHaveBeenCalled();
      complaints.mockRestore();
    });

    test("the server is away at first, dies, and comes back: the page goes on by itself", async () => {
      b.server.create("s");
      b.server.isAway = true;
      const { seen } = b.probe(
        (id: string) => ({ ...b.lab.kit.useMessages(id), isLoading: b.lab.kit.useAgentSession(id).isLoading }),
        "s",
      );
      await soon(() => expect(seen.current).toMatchObject({ error: { code: "unreachable" }, isLoading: true }));
      b.server.isAway = false;
      await soon(() => expect(seen.current).toMatchObject({ error: undefined, isLoading: false }));
      b.server.isAway = true;
      b.server.cut();
      b.server.emit("s", "session:block:start", { conversationId: "main", block: text("meanwhile") });
      const failing = await seen.current.sendMessage("unheard");
      expect(failing.error?.code).toBe("unreachable");
      b.server.isAway = false;
      await soon(() =>
        expect(seen.current.blocks).toMatchObject([{ id: "meanwhile" }, { content: "unheard", delivery: "failed" }]),
      );
    });

    test("a session that is deleted under the reader stays in view, with the reason", async () => {
      b.server.create("s", { blocks: [text("b")] });
      const { seen } = b.probe((id: string) => b.lab.kit.useMessages(id), "s");
      await soon(() => expect(b.server.open[0]?.joined.size).toBe(1));
      b.server.delete("s");
      await soon(() =>
        expect(seen.current).toMatchObject({ error: { code: "session_not_found" }, blocks: [{ id: "b" }] }),
      );
    });

    test("events and blocks of types that nobody knows yet are shown as they are, and what follows them too", async () => {
      b.server.create("s", { blocks: [{ ...text("old"), type: "hologram" } as never] });
      const { seen } = b.probe(
        (id: string) => ({ ...b.lab.kit.useMessages(id), ...b.lab.kit.useEvents(), ...b.lab.kit.useConnection(id) }),
        "s",
      );
      await soon(() => expect(seen.current).toMatchObject({ isLive: true, blocks: [{ type: "hologram" }] }));
      b.server.emit("s", "session:dreamt" as never, { of: "sheep" });
      b.server.emit("s", "session:block:start", {
        conversationId: "main",
        block: { ...text("new"), type: "scent", smell: "of rain" },
      });
      b.server.emit("s", "session:block:start", { conversationId: "main", block: text("after") });
      await soon(() =>
        expect(seen.current.blocks).toMatchObject([
          { type: "hologram" },
          { type: "scent", smell: "of rain" },
          { id: "after" },
        ]),
      );
      expect(seen.current).toMatchObject({
        error: undefined,
        isLive: true,
        events: [{ type: "session:dreamt" }, {}, {}],
      });
    });

    test("a wrong key is said; with the right one the page begins anew", async () => {
      b.server.create("s");
      b.server.answer = ({ authorization }) =>
        authorization === "Bearer right" ? undefined : problem("unauthorized", 401);
      const { seen, show } = b.probe(b.lab.kit.useConnection, "s", { apiKey: "wrong" });
      await soon(() => expect(seen.current).toMatchObject({ status: "failed", error: { code: "unauthorized" } }));
      show("s", { apiKey: "right" });
      await soon(() => expect(seen.current).toMatchObject({ status: "live", error: undefined }));
    });

    test("a token that expires is asked for anew", async () => {
      b.server.create("s");
      let valid = 1;
      let given = 0;
      b.server.answer = ({ authorization }) =>
        authorization === `Bearer t${valid}` ? undefined : problem("unauthorized", 401);
      const getToken = async (): Promise<string> => `t${(given = Math.min(valid, given + 1))}`;
      const { seen } = b.probe(b.lab.kit.useConnection, "s", {
        apiKey: undefined as never,
        getToken,
      });
      await soon(() => expect(seen.current.isLive).toBe(true));
      valid = 2;
      b.server.isAway = true;
      b.server.cut();
      await soon(() => expect(seen.current.isLive).toBe(false));
      b.server.isAway = false;
      await soon(() => expect(seen.current.isLive).toBe(true));
    });

    test("two tabs: each shows what the other sends, and an answer that came second says so", async () => {
      b.server.create("s", { asks: [{ askId: "q", conversationId: "main", kind: "plan", prompt: "?", openedAt: at }] });
      const useTab = () => ({
        ...b.lab.kit.useMessages("s"),
        ...b.lab.kit.useAsks("s"),
        queue: b.lab.kit.useQueue("s").queue,
      });
      const one = b.probe(useTab, undefined);
      const first = b.mounted;
      const two = b.probe(useTab, undefined);
      await soon(() => expect(b.server.open).toHaveLength(2));
      const { messageId } = await one.seen.current.sendMessage("from one");
      b.server.emit("s", "session:message:queued", { messageId, content: "from one" });
      await soon(() => expect(two.seen.current.queue).toMatchObject([{ messageId }]));
      b.server.emit("s", "session:block:start", {
        conversationId: "main",
        block: { ...text(messageId), type: "user_message" },
      });
      await soon(() => expect([one, two].map(({ seen }) => seen.current.blocks.length)).toEqual([1, 1]));
      await one.seen.current.answerAsk("q", { decision: "allow" });
      b.server.answer = ({ method }) => (method === "POST" ? problem("ask_resolved", 409) : undefined);
      await expect(two.seen.current.answerAsk("q", { decision: "deny" })).rejects.toMatchObject({
        code: "ask_resolved",
      });
      b.server.emit("s", "session:ask:resolved", { askId: "q", answer: { decision: "allow" }, by: "me" });
      await soon(() => expect(two.seen.current.asks).toEqual([]));
      first?.unmount();
    });

    test("a message that is sent twice with one id is one", async () => {
      b.server.create("s");
      const { seen } = b.probe((id: string) => {
        b.lab.kit.useConnection(id);
        return b.lab.kit.useSessionStore(id);
      }, "s");
      await soon(() => expect(b.server.open).toHaveLength(1));
      await Promise.all([1, 2].map(() => seen.current.sendMessage("hi", { messageId: "m" })));
      expect(seen.current.getSnapshot().pending).toHaveLength(1);
      expect(b.server.requests.filter(({ method }) => method === "POST")).toHaveLength(1);
    });

    test("sessions that are created at once: the last one that was asked for is followed", async () => {
      const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      let asked = 0;
      b.server.answer = async ({ method }) => {
        if (method !== "POST") return undefined;
        const own = (asked += 1);
        await gates[own - 1]?.promise;
        return Response.json(b.server.create(`made-${own}`), { status: 201 });
      };
      const { seen } = b.probe((): UseAgentSession => b.lab.kit.useAgentSession(), undefined);
      await soon(() => expect(seen.current).toBeDefined());
      const both = [seen.current.createSession("p", "a"), seen.current.createSession("p", "a")];
      await soon(() => expect(asked).toBe(2));
      gates[1]?.resolve();
      await both[1];
      gates[0]?.resolve();
      await both[0];
      await soon(() => expect(seen.current.session?.sessionId).toBe("made-2"));
    });
  });
});
