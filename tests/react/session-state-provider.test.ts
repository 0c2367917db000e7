// @vitest-environment jsdom
import type { SessionState } from "@hhopkins/agent-runtime-protocol";
import type { ReactNode } from "react";
import { describe, expect, test } from "vitest";
import { HookBench, soon, text } from "./testing/hook-bench.ts";
import type { ReactVersion } from "./testing/react-lab.ts";

describe.each<ReactVersion>([19, 18])("React %i", (version) => {
  const b = new HookBench(version);

  test("SessionStateProvider shows a given state to the hooks below it; nothing is followed or sent, and without one it is live", async () => {
    b.server.create("s", { blocks: [text("now")] });
    b.server.create("other", { blocks: [text("elsewhere")] });
    const sent: unknown[] = [];
    let bringOlder: (() => Promise<void>) | undefined;
    let send = (): Promise<void> => Promise.resolve();
    const Words = ({ id }: { id: string }): ReactNode => {
      const { blocks, sendMessage, retryMessage, hasOlder, loadOlder } = b.lab.kit.useMessages(id);
      if (id === "s")
        send = async () => void sent.push(await sendMessage("hello", { messageId: "m" }), await retryMessage("m"));
      if (id === "s") bringOlder = hasOlder ? loadOlder : undefined;
      return blocks.map((block) => ("content" in block ? block.content : ""));
    };
    const { createElement } = b.lab.React;
    const older = { blocks: [text("first"), text("second")] };
    const readBlocks = (conversationId: string, before: string) =>
      conversationId === "main" && before === "then" ? older : { blocks: [] };
    const page = (state: SessionState | undefined): ReactNode =>
      b.provided(
        createElement(
          b.lab.kit.SessionStateProvider,
          { sessionId: "s", state, readBlocks },
          ["s", "other"].map((id) => createElement(Words, { key: id, id })),
        ),
      );
    const { container, render } = b.mount(page(undefined));
    await soon(() => expect(container.textContent).toBe("nowelsewhere"));
    await soon(() => expect(b.server.open).toHaveLength(2));
    const then = { ...(await stateOf("s")), blocks: [text("then")], blocksBefore: "then" };
    render(page(then));
    await soon(() => expect(container.textContent).toBe("thenelsewhere"));
    b.server.emit("s", "session:block:start", { conversationId: "main", block: text("later") });
    await send();
    expect(sent).toMatchObject([{ messageId: "m", error: { code: "not_live" } }, { error: { code: "not_live" } }]);
    expect(container.textContent).toBe("thenelsewhere");
    await soon(() => expect(b.server.open).toHaveLength(1));
    await bringOlder?.();
    await soon(() => expect(container.textContent).toBe("firstsecondthenelsewhere"));
    expect(bringOlder).toBeUndefined();
    render(page(undefined));
    await soon(() => expect(container.textContent).toBe("nowlaterelsewhere"));
  });

  test("of a session as it was nothing can be changed, and its files are read as they were", async () => {
    b.server.create("s", { lastSeq: 7 });
    b.server.answer = ({ path }) => (path.includes("/files/") ? new Response("bytes") : undefined);
    const { kit } = b.lab;
    const useAll = (id: string) => ({
      session: kit.useAgentSession(id),
      asks: kit.useAsks(id),
      queue: kit.useQueue(id),
      turn: kit.useTurn(id),
      files: kit.useWorkspaceFiles(id),
    });
    let seen: ReturnType<typeof useAll> | undefined;
    const All = (): ReactNode => {
      seen = useAll("s");
      return seen.session.session === undefined ? "" : "there";
    };
    const state = await stateOf("s");
    b.server.requests.length = 0;
    const { createElement } = b.lab.React;
    const { container } = b.mount(
      b.provided(createElement(kit.SessionStateProvider, { sessionId: "s", state }, createElement(All))),
    );
    await soon(() => expect(container.textContent).toBe("there"));
    if (seen === undefined) throw new Error("nothing was rendered");
    const { session, asks, queue, turn, files } = seen;
    const results = await Promise.allSettled([
      session.destroySession(),
      session.syncSession(),
      session.updateSessionOptions({}),
      asks.answerAsk("a", { decision: "allow" }),
      queue.updateMessage("m", "text"),
      queue.withdrawMessage("m"),
      turn.interrupt(),
      files.writeFile("f", new Uint8Array()),
      files.deleteFile("f"),
    ]);
    expect(results).toMatchObject(results.map(() => ({ status: "rejected", reason: { code: "not_live" } })));
    expect(b.server.requests).toEqual([]);
    await files.readFile("f");
    await files.readFile("f", { seq: "start" });
    expect(b.server.requests.map(({ path }) => path)).toEqual([
      "/sessions/s/files/f?seq=7",
      "/sessions/s/files/f?seq=start",
    ]);
  });
});

async function stateOf(sessionId: string): Promise<SessionState> {
  return (await (await fetch(`http://server.test/sessions/${sessionId}`)).json()) as SessionState;
}
