// @vitest-environment jsdom
import type { UseAgentSession, UseMessages } from "@hhopkins/agent-runtime-react";
import { describe, expect, test } from "vitest";
import { at, HookBench, soon, text } from "./testing/hook-bench.ts";
import { problem } from "./testing/played-server.ts";
import type { ReactVersion } from "./testing/react-lab.ts";

describe.each<ReactVersion>([19, 18])("React %i", (version) => {
  const b = new HookBench(version);

  describe("useAgentSession", () => {
    test("loads and follows a session", async () => {
      b.server.create("s", { name: "first", metadata: { a: 1 } });
      const { seen } = b.probe(b.lab.kit.useAgentSession, "s");
      await soon(() => expect(seen.current).toMatchObject({ isLoading: true, session: undefined, error: undefined }));
      await soon(() =>
        expect(seen.current.session).toMatchObject({ sessionId: "s", name: "first", metadata: { a: 1 } }),
      );
      expect(seen.current).toMatchObject({ isLoading: false, runtime: { isLoaded: false, sandbox: null } });
      expect(seen.current.session).not.toHaveProperty("blocks");
      await soon(() => expect(b.server.open).toHaveLength(1));
      const runtime = { isLoaded: true, sandbox: null };
      b.server.emit("s", "session:status", { runtime });
      await soon(() => expect(seen.current.runtime).toEqual(runtime));
    });

    test("creates a session, with all that one may say of it, and follows it", async () => {
      const { seen } = b.probe(b.lab.kit.useAgentSession, undefined);
      await soon(() => expect(seen.current).toMatchObject({ session: undefined, isLoading: false }));
      const options = { name: "n", sessionOptions: { model: "m" } };
      const creating = seen.current.createSession("default", "claude-agent-sdk", options);
      await soon(() => expect(seen.current.isLoading).toBe(true));
      const id = await creating;
      await soon(() => expect(seen.current.session?.sessionId).toBe(id));
      expect(b.server.requests[0]).toMatchObject({
        method: "POST",
        path: "/sessions/create",
        body: { agentProfileRef: "default", architecture: "claude-agent-sdk", ...options },
        authorization: "Bearer k",
      });
      expect(seen.current.isLoading).toBe(false);
    });

    test("loadSession fetches and follows another one, and another property brings that one back", async () => {
      for (const id of ["s", "t", "u"]) b.server.create(id);
      const { seen, show } = b.probe<string, UseAgentSession>(b.lab.kit.useAgentSession, "s");
      await soon(() => expect(seen.current.session?.sessionId).toBe("s"));
      expect((await seen.current.loadSession("t")).sessionId).toBe("t");
      await soon(() => expect(seen.current.session?.sessionId).toBe("t"));
      show("u");
      await soon(() => expect(seen.current.session?.sessionId).toBe("u"));
      await expect(seen.current.loadSession("nobody")).rejects.toMatchObject({ code: "session_not_found" });
      await soon(() =>
        expect(seen.current).toMatchObject({
          session: undefined,
          isLoading: false,
          error: { code: "session_not_found" },
        }),
      );
    });

    test("destroySession deletes it, syncSession saves it, updateSessionOptions changes it", async () => {
      b.server.create("s");
      const { seen } = b.probe(b.lab.kit.useAgentSession, "s");
      await soon(() => expect(seen.current.session?.sessionId).toBe("s"));
      await seen.current.syncSession();
      await seen.current.updateSessionOptions({ model: "m" });
      await seen.current.destroySession();
      await soon(() => expect(seen.current.session).toBeUndefined());
      expect(seen.current).toMatchObject({ isLoading: false, error: undefined });
      expect(b.server.requests.filter(({ method }) => method !== "GET")).toMatchObject([
        { method: "POST", path: "/sessions/s/sync" },
        { method: "PATCH", path: "/sessions/s/options", body: { model: "m" } },
        { method: "DELETE", path: "/sessions/s" },
      ]);
    });

    test("what failed rejects and is shown, and is no unhandled fault of the page", async () => {
      b.server.create("s");
      const { seen } = b.probe(b.lab.kit.useAgentSession, "s");
      await soon(() => expect(seen.current.session?.sessionId).toBe("s"));
      b.server.answer = ({ method }) => (method === "GET" ? undefined : problem("conflict", 409));
      // Nobody waits for this one: an unhandled rejection would fail the run.
      void seen.current.syncSession();
      await soon(() => expect(seen.current.error?.code).toBe("conflict"));
      await expect(seen.current.updateSessionOptions({})).rejects.toMatchObject({ code: "conflict" });
      b.server.answer = () => undefined;
      await seen.current.syncSession();
      await soon(() => expect(seen.current.error).toBeUndefined());
    });

    test("without a session its functions say so", async () => {
      const { seen } = b.probe(b.lab.kit.useAgentSession, undefined);
      await soon(() => expect(seen.current).toBeDefined());
      await expect(seen.current.destroySession()).rejects.toMatchObject({ code: "no_session" });
    });
  });

  describe("useMessages", () => {
    const useIt = (id: string | undefined): UseMessages => b.lab.kit.useMessages(id);

    test("has the blocks, with the text that is being written, and usage and cost", async () => {
      b.server.create("s", { blocks: [text("a")] });
      const { seen } = b.probe(useIt, "s");
      await soon(() => expect(seen.current.blocks).toMatchObject([{ id: "a" }]));
      await soon(() => expect(b.server.open).toHaveLength(1));
      b.server.emit("s", "session:block:start", { conversationId: "main", block: text("b", "") });
      b.server.emit("s", "session:block:delta", { conversationId: "main", blockId: "b", delta: "Hel" });
      await soon(() => expect(seen.current.getBlock("b")).toMatchObject({ content: "Hel" }));
      expect(seen.current).toMatchObject({ streamingBlockIds: ["b"], isStreaming: true });
      b.server.emit("s", "session:block:delta", { conversationId: "main", blockId: "b", delta: "lo" });
      b.server.emit("s", "session:block:complete", { conversationId: "main", blockId: "b", block: text("b", "Hello") });
      const usage = {
        inputTokens: 1,
        outputTokens: 2,
        cacheReadTokens: 0,
        cacheWriteTokens: 0,
        thinkingTokens: 0,
        totalTokens: 3,
      };
      b.server.emit("s", "session:metadata:update", { metadata: { usage, costUSD: 0.5, model: "m" } });
      await soon(() => expect(seen.current.metadata).toEqual({ usage, costUSD: 0.5, model: "m" }));
      expect(seen.current).toMatchObject({
        blocks: [{ id: "a" }, { content: "Hello" }],
        streamingBlockIds: [],
        isStreaming: false,
      });
      expect(seen.current.getBlocksByType("assistant_text").map(({ content }) => content)).toEqual(["a", "Hello"]);
      expect(seen.current.getBlocksByType("thinking")).toEqual([]);
      expect(seen.current.getBlock("nobody")).toBeUndefined();
    });

    test("the user's own message shows at once and is replaced by the server's", async () => {
      b.server.create("s");
      const { seen } = b.probe(useIt, "s");
      await soon(() => expect(b.server.open).toHaveLength(1));
      const { messageId } = await seen.current.sendMessage("hi");
      await soon(() =>
        expect(seen.current.blocks).toMatchObject([{ id: messageId, content: "hi", delivery: "queued" }]),
      );
      b.server.emit("s", "session:block:start", {
        conversationId: "main",
        block: { type: "user_message", id: messageId, timestamp: at, content: "hi" },
      });
      await soon(() => expect(seen.current.blocks[0]).not.toHaveProperty("delivery"));
      expect(seen.current.blocks).toMatchObject([{ id: messageId, content: "hi" }]);
    });

    test("a message that failed can be sent again, or dropped", async () => {
      b.server.create("s");
      const { seen } = b.probe(useIt, "s");
      await soon(() => expect(b.server.open).toHaveLength(1));
      b.server.answer = ({ method }) => (method === "POST" ? problem("unavailable", 503) : undefined);
      const [one, two] = [await seen.current.sendMessage("one"), await seen.current.sendMessage("two")];
      expect(one.error?.code).toBe("unavailable");
      await soon(() => expect(seen.current.blocks).toMatchObject([{ delivery: "failed" }, { delivery: "failed" }]));
      b.server.answer = () => undefined;
      seen.current.dropMessage(two.messageId);
      expect(await seen.current.retryMessage(one.messageId)).toEqual({ messageId: one.messageId });
      await soon(() => expect(seen.current.blocks).toMatchObject([{ id: one.messageId, delivery: "queued" }]));
    });

    test("brings older blocks, of subagents too", async () => {
      const subagents = [{ id: "a", name: "a", status: "running" as const, blocks: [text("s2")], blocksBefore: "s2" }];
      b.server.create("s", { blocks: [text("b2")], blocksBefore: "b2", subagents });
      const gate = Promise.withResolvers<void>();
      b.server.answer = async ({ path }) => {
        if (!path.includes("/blocks")) return undefined;
        await gate.promise;
        return Response.json({ blocks: [text(path.includes("conversation=a") ? "s1" : "b1")] });
      };
      const { seen, show } = b.probe<string | undefined, UseMessages>(
        (conversationId) => b.lab.kit.useMessages("s", conversationId === undefined ? {} : { conversationId }),
        undefined,
      );
      await soon(() => expect(seen.current).toMatchObject({ hasOlder: true, isLoadingOlder: false }));
      const loading = seen.current.loadOlder();
      await soon(() => expect(seen.current.isLoadingOlder).toBe(true));
      gate.resolve();
      await loading;
      await soon(() => expect(seen.current.blocks.map(({ id }) => id)).toEqual(["b1", "b2"]));
      expect(seen.current).toMatchObject({ hasOlder: false, isLoadingOlder: false });
      show("a");
      await soon(() => expect(seen.current.blocks.map(({ id }) => id)).toEqual(["s2"]));
      await seen.current.loadOlder();
      await soon(() => expect(seen.current.blocks.map(({ id }) => id)).toEqual(["s1", "s2"]));
    });

    test("says why older blocks did not come, until they are asked for again", async () => {
      b.server.create("s", { blocks: [text("b2")], blocksBefore: "b2" });
      b.server.answer = ({ path }) => (path.includes("/blocks") ? problem("persistence_unavailable", 503) : undefined);
      const { seen } = b.probe(useIt, "s");
      await soon(() => expect(seen.current.hasOlder).toBe(true));
      await seen.current.loadOlder();
      await soon(() =>
        expect(seen.current).toMatchObject({ hasOlder: true, olderError: { code: "persistence_unavailable" } }),
      );
      b.server.answer = ({ path }) => (path.includes("/blocks") ? Response.json({ blocks: [text("b1")] }) : undefined);
      await seen.current.loadOlder();
      await soon(() => expect(seen.current).toMatchObject({ hasOlder: false, olderError: undefined }));
    });

    test("says what stands in the way", async () => {
      const { seen } = b.probe(useIt, "nobody");
      await soon(() => expect(seen.current.error?.code).toBe("session_not_found"));
      expect(seen.current.blocks).toEqual([]);
    });

    test("without a session there is nothing, and a message fails", async () => {
      const { seen } = b.probe(useIt, undefined);
      await soon(() => expect(seen.current.blocks).toEqual([]));
      expect((await seen.current.sendMessage("hi")).error?.code).toBe("no_session");
      expect(b.server.requests).toEqual([]);
    });
  });
});
