// @vitest-environment jsdom
import type { UseSessionList } from "@hhopkins/agent-runtime-react";
import type { ReactNode } from "react";
import { describe, expect, test, vi } from "vitest";
import { at, HookBench, soon, text } from "./testing/hook-bench.ts";
import { problem } from "./testing/played-server.ts";
import type { ReactVersion } from "./testing/react-lab.ts";

describe.each<ReactVersion>([19, 18])("React %i", (version) => {
  const b = new HookBench(version);

  test("useSessionList is live, and refresh fetches it anew", async () => {
    b.server.create("s");
    const { seen } = b.probe((): UseSessionList => b.lab.kit.useSessionList(), undefined);
    await soon(() => expect(seen.current.sessions.map(({ sessionId }) => sessionId)).toEqual(["s"]));
    await soon(() => expect(b.server.open[0]?.watches).toBe(true));
    await soon(() => expect(seen.current).toMatchObject({ isLoading: false, error: undefined, hasMore: false }));
    b.server.delete("s");
    await soon(() => expect(seen.current.sessions).toEqual([]));
    b.server.create("t");
    await seen.current.refresh();
    await soon(() => expect(seen.current.sessions).toMatchObject([{ sessionId: "t" }]));
    b.server.answer = () => problem("unavailable", 503);
    await seen.current.refresh();
    await soon(() => expect(seen.current.error?.code).toBe("unavailable"));
  });

  test("useSessionList takes filters, and brings more pages", async () => {
    b.server.answer = ({ path }) => {
      const url = new URL(path, "http://x");
      const sessions = [{ ...b.server.create(url.searchParams.get("cursor") ?? "first") }];
      return url.searchParams.has("cursor")
        ? Response.json({ sessions })
        : Response.json({ sessions, nextCursor: "next" });
    };
    const { seen } = b.probe((): UseSessionList => b.lab.kit.useSessionList({ limit: 1, type: "t" }), undefined);
    await soon(() => expect(seen.current).toMatchObject({ hasMore: true, isLoading: false }));
    await soon(() => expect(b.server.open[0]?.watches).toBe(true));
    await soon(() => expect(seen.current.isLoading).toBe(false));
    await seen.current.loadMore();
    await soon(() => expect(seen.current.sessions).toHaveLength(2));
    expect(b.server.requests.at(-1)?.path).toBe("/sessions?limit=1&type=t&cursor=next");
  });

  test("useWorkspaceFiles has the files, and fetches what is too large for the state", async () => {
    b.server.create("s", { workspaceFiles: [{ path: "a.txt", content: "A" }] });
    const { seen } = b.probe(b.lab.kit.useWorkspaceFiles, "s");
    await soon(() => expect(seen.current.files).toEqual([{ path: "a.txt", content: "A" }]));
    await soon(() => expect(b.server.open).toHaveLength(1));
    b.server.emit("s", "session:file:created", { file: { path: "big", truncated: true } });
    await soon(() => expect(seen.current.getFile("big")).toEqual({ path: "big", truncated: true }));
    expect(seen.current.getFile("nobody")).toBeUndefined();
    b.server.answer = ({ path }) => (path === "/sessions/s/files/big" ? new Response("bytes") : undefined);
    expect(new TextDecoder().decode(await seen.current.readFile("big"))).toBe("bytes");
  });

  test("useWorkspaceFiles writes and deletes, says how that goes, and reads a file as it was", async () => {
    b.server.create("s", { workspaceFiles: [{ path: "a.txt", content: "A" }] });
    const { seen } = b.probe(b.lab.kit.useWorkspaceFiles, "s");
    await soon(() => expect(seen.current.files).toHaveLength(1));
    await soon(() => expect(b.server.open).toHaveLength(1));
    const answers = Promise.withResolvers<Response>();
    b.server.answer = ({ path }) => (path.includes("/files/") ? answers.promise : undefined);
    const entry = { path: "b/c.txt", size: 1 };
    const { writeFile, deleteFile, readFile } = seen.current;
    const written = writeFile("b/c.txt", new Blob(["x"]));
    await soon(() => expect(seen.current).toMatchObject({ isWriting: true, error: undefined }));
    // What is there is what the log has.
    expect(seen.current.getFile("b/c.txt")).toBeUndefined();
    b.server.emit("s", "session:file:created", { file: entry });
    answers.resolve(Response.json(entry, { status: 201 }));
    expect(await written).toEqual(entry);
    await soon(() => expect(seen.current).toMatchObject({ isWriting: false, error: undefined }));
    await soon(() => expect(seen.current.getFile("b/c.txt")).toEqual(entry));
    expect(seen.current).toMatchObject({ writeFile, deleteFile, readFile });

    b.server.answer = ({ path }) => (path.includes("/files/") ? problem("conflict", 409) : undefined);
    await expect(seen.current.deleteFile("a.txt")).rejects.toMatchObject({ code: "conflict" });
    await soon(() => expect(seen.current).toMatchObject({ isWriting: false, error: { code: "conflict" } }));
    b.server.answer = ({ path }) => (path.includes("/files/") ? new Response("was") : undefined);
    await seen.current.deleteFile("a.txt");
    await soon(() => expect(seen.current.error).toBeUndefined());
    const was = await seen.current.readFile("a.txt", { seq: 3 });
    expect(new TextDecoder().decode(was)).toBe("was");
    expect(b.server.requests.slice(-4).map(({ method, path }) => `${method} ${path}`)).toEqual([
      "PUT /sessions/s/files/b/c.txt",
      "DELETE /sessions/s/files/a.txt",
      "DELETE /sessions/s/files/a.txt",
      "GET /sessions/s/files/a.txt?seq=3",
    ]);
  });

  test("useSubagents has the subagents with their conversations", async () => {
    b.server.create("s");
    const { seen } = b.probe(b.lab.kit.useSubagents, "s");
    await soon(() => expect(b.server.open).toHaveLength(1));
    b.server.emit("s", "session:subagent:discovered", { subagent: { id: "a", name: "A", status: "running" } });
    b.server.emit("s", "session:block:start", { conversationId: "a", block: text("b") });
    await soon(() => expect(seen.current.subagents).toMatchObject([{ id: "a", blocks: [{ id: "b" }] }]));
    expect(seen.current.getSubagent("a")).toMatchObject({ name: "A", status: "running" });
    expect(seen.current.getSubagent("b")).toBeUndefined();
  });

  test("useEvents has what arrives, and forgets it when told; debug tells the console too", async () => {
    const said = vi.spyOn(console, "debug").mockImplementation(() => {});
    b.server.create("s");
    const useBoth = () => ({ ...b.lab.kit.useEvents(), ...b.lab.kit.useConnection("s") });
    const { seen, show } = b.probe(useBoth, undefined);
    await soon(() => expect(seen.current.isLive).toBe(true));
    b.server.emit("s", "session:file:deleted", { path: "a" });
    await soon(() =>
      expect(seen.current.events).toMatchObject([
        { sessionId: "s", seq: 2, type: "session:file:deleted", data: { path: "a" } },
      ]),
    );
    seen.current.clearEvents();
    await soon(() => expect(seen.current.events).toEqual([]));
    expect(said).not.toHaveBeenCalled();
    show(undefined, { debug: true });
    await soon(() => {
      b.server.emit("s", "session:file:deleted", { path: "b" });
      expect(said).toHaveBeenCalled();
    });
    said.mockRestore();
  });

  test("useAsks has what waits for an answer, and gives it", async () => {
    b.server.create("s");
    const { seen } = b.probe(b.lab.kit.useAsks, "s");
    await soon(() => expect(b.server.open).toHaveLength(1));
    const ask = { askId: "q", conversationId: "main", kind: "permission", prompt: "May I?", openedAt: at };
    b.server.emit("s", "session:ask:opened", { ask });
    await soon(() => expect(seen.current.asks).toEqual([ask]));
    b.server.answer = ({ method }) => (method === "POST" ? problem("ask_resolved", 409) : undefined);
    await expect(seen.current.answerAsk("q", { decision: "allow" })).rejects.toMatchObject({ code: "ask_resolved" });
    await soon(() => expect(seen.current.error?.code).toBe("ask_resolved"));
    const gate = Promise.withResolvers<Response>();
    b.server.answer = ({ method }) => (method === "POST" ? gate.promise : undefined);
    const answering = seen.current.answerAsk("q", { decision: "deny", reason: "no" });
    await soon(() => expect(seen.current).toMatchObject({ isAnswering: true, error: undefined }));
    gate.resolve(Response.json({ success: true }));
    await answering;
    expect(b.server.requests.at(-1)).toMatchObject({
      path: "/sessions/s/asks/q/answer",
      body: { decision: "deny", reason: "no" },
    });
    b.server.emit("s", "session:ask:resolved", { askId: "q", answer: { decision: "deny" }, by: "me" });
    await soon(() => expect(seen.current).toMatchObject({ asks: [], isAnswering: false }));
  });

  test("useQueue has what waits for its turn, and changes it", async () => {
    b.server.create("s");
    const { seen } = b.probe(b.lab.kit.useQueue, "s");
    await soon(() => expect(b.server.open).toHaveLength(1));
    b.server.emit("s", "session:message:queued", { messageId: "m", content: "hi" });
    await soon(() => expect(seen.current.queue).toMatchObject([{ messageId: "m", content: "hi" }]));
    await seen.current.updateMessage("m", "ho");
    await seen.current.withdrawMessage("m");
    expect(b.server.requests.slice(-2)).toMatchObject([
      { method: "PATCH", path: "/sessions/s/messages/m", body: { content: "ho" } },
      { method: "DELETE", path: "/sessions/s/messages/m" },
    ]);
    b.server.answer = () => problem("message_not_found", 404);
    void seen.current.withdrawMessage("m");
    await soon(() => expect(seen.current.error?.code).toBe("message_not_found"));
  });

  test("useTurn has what the agent is doing, and interrupts it", async () => {
    b.server.create("s");
    const { seen } = b.probe(b.lab.kit.useTurn, "s");
    await soon(() => expect(b.server.open).toHaveLength(1));
    expect(seen.current).toMatchObject({ turn: undefined, lastTurn: undefined, isRunning: false, error: undefined });
    b.server.emit("s", "session:turn:started", { turnId: "t", messageIds: ["m"] });
    await soon(() => expect(seen.current).toMatchObject({ turn: { turnId: "t" }, isRunning: true }));
    const gate = Promise.withResolvers<Response>();
    b.server.answer = () => gate.promise;
    const interrupting = seen.current.interrupt();
    await soon(() => expect(seen.current.isInterrupting).toBe(true));
    gate.resolve(Response.json({}));
    await interrupting;
    expect(b.server.requests.at(-1)).toMatchObject({ method: "POST", path: "/sessions/s/interrupt" });
    b.server.emit("s", "session:turn:completed", { turnId: "t", messageIds: ["m"], status: "interrupted" });
    await soon(() =>
      expect(seen.current).toMatchObject({
        isRunning: false,
        isInterrupting: false,
        lastTurn: { status: "interrupted" },
      }),
    );
    b.server.answer = () => problem("conflict", 409);
    void seen.current.interrupt();
    await soon(() => expect(seen.current.error?.code).toBe("conflict"));
  });

  test("useConnection says whether what is shown is what the server has, and reloads", async () => {
    b.server.create("s");
    const { seen } = b.probe(b.lab.kit.useConnection, "s");
    await soon(() => expect(seen.current).toMatchObject({ status: "live", isLive: true, error: undefined }));
    b.server.isAway = true;
    b.server.cut();
    await soon(() =>
      expect(seen.current).toMatchObject({ status: "reconnecting", isLive: false, error: { code: "unreachable" } }),
    );
    b.server.isAway = false;
    await soon(() => expect(seen.current).toMatchObject({ status: "live", error: undefined }));
    b.server.delete("s");
    await soon(() => expect(seen.current).toMatchObject({ status: "failed", error: { code: "session_not_found" } }));
    b.server.create("s");
    seen.current.reload();
    await soon(() => expect(seen.current).toMatchObject({ status: "live", error: undefined }));
  });

  describe("the provider", () => {
    test("apiUrl and wsUrl say where the server is, apiKey or getToken who asks", async () => {
      const urls: unknown[][] = [];
      const Line = globalThis.WebSocket;
      vi.stubGlobal("WebSocket", function (...args: unknown[]) {
        urls.push(args);
        return new Line(args[0] as string);
      });
      b.server.create("s");
      const { seen, show } = b.probe(b.lab.kit.useConnection, "s", {
        wsUrl: "ws://live.test/here",
      });
      await soon(() => expect(seen.current.isLive).toBe(true));
      expect(urls[0]).toEqual(["ws://live.test/here", ["agent-runtime.v1", "bearer.aw"]]);
      let count = 0;
      const getToken = async (): Promise<string> => `t${(count += 1)}`;
      const more = { apiUrl: "http://other.test", apiKey: undefined as never, wsUrl: undefined as never };
      // A new function at each rendering is the same provider.
      for (let n = 0; n < 5; n += 1) show("s", { ...more, getToken: () => getToken() });
      await soon(() => expect(urls.at(-1)?.[0]).toBe("ws://other.test/ws"));
      await soon(() => expect(seen.current.isLive).toBe(true));
      expect(b.server.requests.at(-1)?.authorization).toMatch(/^Bearer t\d$/);
      await soon(() => expect(b.server.open).toHaveLength(1));
    });

    test("without a session nothing is asked of the server, and what is done says so", async () => {
      const { seen } = b.probe((id: string | undefined) => {
        const { useAsks, useQueue, useTurn, useWorkspaceFiles } = b.lab.kit;
        return { asks: useAsks(id), queue: useQueue(id), turn: useTurn(id), files: useWorkspaceFiles(id) };
      }, undefined);
      await soon(() => expect(seen.renders).toBeGreaterThan(0));
      const { asks, queue, turn, files } = seen.current;
      const results = await Promise.allSettled([
        asks.answerAsk("a", { decision: "allow" }),
        queue.updateMessage("m", "text"),
        queue.withdrawMessage("m"),
        turn.interrupt(),
        files.readFile("f"),
        files.writeFile("f", new Uint8Array()),
        files.deleteFile("f"),
      ]);
      expect(results).toMatchObject(results.map(() => ({ status: "rejected", reason: { code: "no_session" } })));
      await soon(() => expect(seen.current.turn.error?.code).toBe("no_session"));
      expect(b.server.requests).toEqual([]);
    });

    test("without one above it a hook says so", () => {
      const failing = (): ReactNode => {
        expect(() => b.lab.kit.useAgentService()).toThrow("needs an <AgentServiceProvider>");
        return "said";
      };
      expect(b.lab.renderToString(b.lab.React.createElement(failing))).toBe("said");
    });
  });
});
