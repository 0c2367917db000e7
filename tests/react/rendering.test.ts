// @vitest-environment jsdom
import type { UseMessages } from "@hhopkins/agent-runtime-react";
import type { ReactNode } from "react";
import { describe, expect, test } from "vitest";
import { HookBench, soon, text } from "./testing/hook-bench.ts";
import type { ReactVersion } from "./testing/react-lab.ts";

describe.each<ReactVersion>([19, 18])("React %i", (version) => {
  const b = new HookBench(version);

  describe("rendering", () => {
    const many = Array.from({ length: 500 }, (_, n) => text(`b${n}`));

    test("one delta renders one block of 500, and not the list", async () => {
      b.server.create("s", { blocks: many, streamingBlockIds: ["b250"] });
      const renders = new Map<string, number>();
      const count = (name: string): void => void renders.set(name, (renders.get(name) ?? 0) + 1);
      const Block = b.lab.React.memo(({ id }: { id: string }): ReactNode => {
        const { block, isStreaming } = b.lab.kit.useBlock("s", id);
        count(id);
        return block?.type === "assistant_text" ? `${block.content}${isStreaming ? "…" : ""}` : null;
      });
      const List = (): ReactNode => {
        count("list");
        return b.lab.kit.useBlockIds("s").map((id) => b.lab.React.createElement(Block, { key: id, id }));
      };
      b.mount(b.provided(b.lab.React.createElement(List)), { isStrict: false });
      await soon(() => expect(b.mounted?.container.textContent).toContain("b250…"));
      await soon(() => expect(b.server.open).toHaveLength(1));
      await soon(() => expect(renders.size).toBe(501));
      renders.clear();
      b.server.emit("s", "session:block:delta", { conversationId: "main", blockId: "b250", delta: "!" });
      await soon(() => expect(b.mounted?.container.textContent).toContain("b250!…"));
      expect([...renders]).toEqual([["b250", 1]]);
    });

    test("with useMessages and memoised blocks it is one block too", async () => {
      b.server.create("s", { blocks: many });
      let renders: string[] = [];
      const Block = b.lab.React.memo(({ block }: { block: UseMessages["blocks"][number] }): ReactNode => {
        renders.push(block.id);
        return block.type === "assistant_text" ? block.content : null;
      });
      const List = (): ReactNode =>
        b.lab.kit.useMessages("s").blocks.map((block) => b.lab.React.createElement(Block, { key: block.id, block }));
      b.mount(b.provided(b.lab.React.createElement(List)), { isStrict: false });
      await soon(() => expect(b.mounted?.container.textContent).toContain("b499"));
      await soon(() => expect(b.server.open).toHaveLength(1));
      renders = [];
      b.server.emit("s", "session:block:delta", { conversationId: "main", blockId: "b250", delta: "!" });
      await soon(() => expect(b.mounted?.container.textContent).toContain("b250!"));
      expect(renders).toEqual(["b250"]);
    });

    test("in a BlockList it is one block of 500 too, and a block that comes is one more", async () => {
      b.server.create("s", { blocks: many, streamingBlockIds: ["b499"] });
      let renders: string[] = [];
      const show = (block: UseMessages["blocks"][number]): ReactNode => {
        renders.push(block.id);
        return block.type === "assistant_text" ? block.content : null;
      };
      const list = b.lab.React.createElement(b.lab.kit.BlockList, { sessionId: "s", children: show });
      b.mount(b.provided(list), { isStrict: false });
      await soon(() => expect(b.mounted?.container.textContent).toContain("b499"));
      await soon(() => expect(b.server.open).toHaveLength(1));
      renders = [];
      b.server.emit("s", "session:block:delta", { conversationId: "main", blockId: "b499", delta: "!" });
      await soon(() => expect(b.mounted?.container.textContent).toContain("b499!"));
      expect(renders).toEqual(["b499"]);
      b.server.emit("s", "session:block:start", { conversationId: "main", block: text("one-more") });
      await soon(() => expect(b.mounted?.container.textContent).toContain("one-more"));
      expect(renders).toEqual(["b499", "one-more"]);
    });

    test("a selector renders when what it takes has changed, and not else", async () => {
      b.server.create("s");
      const { seen } = b.probe(
        () =>
          b.lab.kit.useSessionSelector(
            "s",
            ({ state }) => ({ files: state?.workspaceFiles.length }),
            b.lab.kit.shallowEqual,
          ),
        undefined,
      );
      await soon(() => expect(seen.current.files).toBe(0));
      await soon(() => expect(b.server.open).toHaveLength(1));
      const [{ current }, renders] = [seen, seen.renders];
      b.server.emit("s", "session:block:start", { conversationId: "main", block: text("b") });
      b.server.emit("s", "session:file:created", { file: { path: "a" } });
      await soon(() => expect(seen.current.files).toBe(1));
      // StrictMode renders twice.
      expect(seen.renders - renders).toBeLessThanOrEqual(2);
      expect(seen.current).not.toBe(current);
    });

    test("components that show the same session share one line; the last takes it down", async () => {
      b.server.create("s");
      const One = (): ReactNode => String(b.lab.kit.useConnection("s").isLive);
      const three = [1, 2, 3].map((key) => b.lab.React.createElement(One, { key }));
      const mounted = b.mount(b.provided(three));
      await soon(() => expect(mounted.container.textContent).toBe("truetruetrue"));
      expect([b.server.lines.length, b.server.requests.length]).toEqual([1, 1]);
      mounted.render(b.provided(three.slice(1)));
      await soon(() => expect(mounted.container.textContent).toBe("truetrue"));
      expect(b.server.open).toHaveLength(1);
      mounted.render(b.provided(null));
      await soon(() => expect(b.server.open).toHaveLength(0));
    });

    test("on a server it renders what is known then, opens no line, and the page takes over from there", async () => {
      b.server.create("s", { blocks: [text("b")] });
      const App = (): ReactNode => {
        const { isLoading } = b.lab.kit.useAgentSession("s");
        const ids = b.lab.kit.useMessages("s").blocks.map(({ id }) => id);
        const { sessions } = b.lab.kit.useSessionList();
        return b.lab.React.createElement(
          "p",
          null,
          `${isLoading} ${ids.join()} ${sessions.length} ${b.lab.kit.useEvents().events.length}`,
        );
      };
      const html = b.lab.renderToString(b.provided(b.lab.React.createElement(App)));
      expect(html).toBe("<p>true  0 0</p>");
      expect([b.server.lines, b.server.requests]).toEqual([[], []]);
      const container = document.body.appendChild(document.createElement("div"));
      container.innerHTML = html;
      const problems: unknown[] = [];
      const root = b.lab.hydrateRoot(container, b.provided(b.lab.React.createElement(App)), {
        onRecoverableError: (error: unknown) => problems.push(error),
      });
      await soon(() => expect(container.textContent).toBe("false b 1 0"));
      expect(problems).toEqual([]);
      root.unmount();
      container.remove();
    });
  });
});
