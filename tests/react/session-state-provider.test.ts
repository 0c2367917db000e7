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
});

async function stateOf(sessionId: string): Promise<SessionState> {
  return (await (await fetch(`http://server.test/sessions/${sessionId}`)).json()) as SessionState;
}
