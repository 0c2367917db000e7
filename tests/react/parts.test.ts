// @vitest-environment jsdom
import type { ConversationItem, FileNode, ShownBlock, UseComposer } from "@hhopkins/agent-runtime-react";
import type { ReactNode } from "react";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { at, HookBench, soon, text } from "./testing/hook-bench.ts";
import { problem } from "./testing/played-server.ts";
import type { ReactVersion } from "./testing/react-lab.ts";

type Call = Extract<ShownBlock, { type: "tool_use" }>;

const call = (id: string, status: Call["status"] = "running"): Call => ({
  type: "tool_use",
  id: `call-${id}`,
  timestamp: at,
  toolName: "Read",
  toolUseId: id,
  input: {},
  status,
});
const result = (id: string): ShownBlock => ({
  type: "tool_result",
  id: `result-${id}`,
  timestamp: at,
  toolUseId: id,
  content: "done",
});

describe.each<ReactVersion>([19, 18])("React %i", (version) => {
  const b = new HookBench(version);

  describe("BlockList", () => {
    const render = (block: ShownBlock, { isStreaming }: { isStreaming: boolean }): ReactNode =>
      b.lab.React.createElement(
        "p",
        { id: block.id },
        block.type === "assistant_text" ? block.content : block.type,
        isStreaming ? "…" : "",
      );

    test("shows each block as it is told, and brings older ones to who scrolls up", async () => {
      b.server.create("s", { blocks: [text("b2")], blocksBefore: "b2" });
      b.server.answer = ({ path }) => (path.includes("/blocks") ? Response.json({ blocks: [text("b1")] }) : undefined);
      const scrolled: number[] = [];
      const list = b.lab.React.createElement(b.lab.kit.BlockList, {
        sessionId: "s",
        className: "log",
        onScroll: () => void scrolled.push(1),
        children: render,
      });
      const { container } = b.mount(b.provided(list));
      await soon(() => expect(container.textContent).toBe("b2"));
      const element = container.querySelector(".log[role=log]");
      await soon(() => expect(b.server.open).toHaveLength(1));
      b.server.emit("s", "session:block:start", { conversationId: "main", block: text("b3", "x") });
      await soon(() => expect(container.textContent).toBe("b2x…"));
      element?.dispatchEvent(new Event("scroll"));
      await soon(() => expect(container.textContent).toBe("b1b2x…"));
      expect(scrolled).toEqual([1]);
    });

    test("a page that fails is asked for again when the reader comes back, and not with each move", async () => {
      b.server.create("s", { blocks: [text("b2")], blocksBefore: "b2" });
      const asked = (): number => b.server.requests.filter(({ path }) => path.includes("/blocks")).length;
      b.server.answer = ({ path }) => (path.includes("/blocks") ? problem("persistence_unavailable", 503) : undefined);
      const errors: unknown[] = [];
      const Errors = (): ReactNode => {
        errors.push(b.lab.kit.useOlder("s").olderError?.code);
        return null;
      };
      const { createElement } = b.lab.React;
      const list = createElement(b.lab.kit.BlockList, {
        key: "list",
        sessionId: "s",
        className: "log",
        children: render,
      });
      const { container } = b.mount(b.provided([list, createElement(Errors, { key: "errors" })]));
      await soon(() => expect(container.textContent).toBe("b2"));
      const element = container.querySelector(".log") as HTMLElement;
      const moveTo = (top: number): void => {
        element.scrollTop = top;
        element.dispatchEvent(new Event("scroll"));
      };
      moveTo(0);
      await soon(() => expect([asked(), errors.at(-1)]).toEqual([1, "persistence_unavailable"]));
      moveTo(10);
      moveTo(20);
      moveTo(1000);
      expect(asked()).toBe(1);
      b.server.answer = ({ path }) => (path.includes("/blocks") ? Response.json({ blocks: [text("b1")] }) : undefined);
      moveTo(0);
      await soon(() => expect([asked(), container.textContent, errors.at(-1)]).toEqual([2, "b1b2", undefined]));
    });
  });

  test("useAutoScroll says whether the reader is at the end, and brings them there", async () => {
    const List = (): ReactNode => {
      const { ref, isAtEnd, scrollToEnd } = b.lab.kit.useAutoScroll();
      const list = b.lab.React.createElement("div", { ref, className: "list", key: "list" });
      return [list, b.lab.React.createElement("button", { onClick: scrollToEnd, key: "end" }, String(isAtEnd))];
    };
    // Nothing is laid out here: every list is 1000 pixels high, and 100 of them are in view.
    const height = vi.spyOn(Element.prototype, "scrollHeight", "get").mockReturnValue(1000);
    onTestFinished(() => height.mockRestore());
    const { container } = b.mount(b.lab.React.createElement(List));
    await soon(() => expect(container.textContent).toBe("true"));
    const list = container.querySelector(".list") as HTMLElement;
    Object.defineProperty(list, "clientHeight", { value: 100 });
    expect(list.scrollTop).toBe(1000);
    // StrictMode attaches it a second time, later; who has it anew begins at the end.
    await soon(() => {
      list.scrollTop = 500;
      list.dispatchEvent(new Event("scroll"));
      expect(container.textContent).toBe("false");
    });
    list.append(document.createElement("p"));
    container.querySelector("button")?.click();
    await soon(() => expect(container.textContent).toBe("true"));
    expect(list.scrollTop).toBe(1000);
  });

  describe("useComposer", () => {
    const Composer = (): ReactNode => {
      const { formProps, inputProps, canSend } = b.lab.kit.useComposer("s");
      return b.lab.React.createElement(
        "form",
        formProps,
        b.lab.React.createElement("textarea", inputProps),
        b.lab.React.createElement("button", { disabled: !canSend }),
      );
    };
    const typed = (container: HTMLElement, value: string): HTMLTextAreaElement => {
      const field = container.querySelector("textarea") as HTMLTextAreaElement;
      // As a browser does it: React looks at its own setter.
      Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value")?.set?.call(field, value);
      field.dispatchEvent(new Event("input", { bubbles: true }));
      return field;
    };
    const press = (field: HTMLElement, more: KeyboardEventInit = {}): boolean =>
      field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, ...more }));
    const sent = (): unknown[] => b.server.requests.flatMap(({ method, body }) => (method === "POST" ? [body] : []));

    test("Enter sends, once, and empties the field; Shift+Enter and half-written characters do not", async () => {
      b.server.create("s");
      const { container } = b.mount(b.provided(b.lab.React.createElement(Composer)));
      await soon(() => expect(container.querySelector("button")?.disabled).toBe(true));
      const field = typed(container, "hello");
      await soon(() => expect(container.querySelector("button")?.disabled).toBe(false));
      expect([press(field, { shiftKey: true }), press(field, { isComposing: true })]).toEqual([true, true]);
      // Twice before React has rendered once.
      expect([press(field), press(field)]).toEqual([false, false]);
      await soon(() => expect(field.value).toBe(""));
      await soon(() => expect(sent()).toMatchObject([{ content: "hello" }]));
    });

    test("the form sends too; nothing goes without text", async () => {
      b.server.create("s");
      const { container } = b.mount(b.provided(b.lab.React.createElement(Composer)));
      await soon(() => expect(container.querySelector("form")).not.toBeNull());
      typed(container, "  ");
      const submit = (): boolean | undefined =>
        container.querySelector("form")?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
      expect(submit()).toBe(false);
      typed(container, " by form ");
      submit();
      await soon(() => expect(sent()).toMatchObject([{ content: "by form" }]));
    });

    test("each session has its own text, and what was written before there was one goes to the first", async () => {
      b.server.create("s");
      b.server.create("r");
      const { seen, show } = b.probe<string | undefined, UseComposer>(b.lab.kit.useComposer, undefined);
      const text = (): string => seen.current.text;
      await soon(() => expect(seen.current).toBeDefined());
      seen.current.setText("early");
      await soon(() => expect(text()).toBe("early"));
      show("s");
      await soon(() => expect(seen.current.canSend).toBe(true));
      expect(text()).toBe("early");
      seen.current.setText("for s");
      await soon(() => expect(text()).toBe("for s"));
      show("r");
      await soon(() => expect(text()).toBe(""));
      expect(await seen.current.send()).toBeUndefined();
      show("s");
      await soon(() => expect(text()).toBe("for s"));
      await seen.current.send();
      expect(sent()).toMatchObject([{ content: "for s" }]);
    });

    test("while a turn runs it says so; a message can wait, steer or interrupt", async () => {
      b.server.create("s", { turn: { turnId: "t", messageIds: [], startedAt: at } });
      const { seen } = b.probe(b.lab.kit.useComposer, "s");
      await soon(() => expect(seen.current).toMatchObject({ isRunning: true, canSend: false, text: "" }));
      seen.current.setText("stop that");
      await soon(() => expect(seen.current).toMatchObject({ canSend: true, text: "stop that" }));
      const outcome = await seen.current.send("interrupt", { resultSchema: { type: "object" } });
      await seen.current.interrupt();
      expect(sent()).toMatchObject([
        {
          content: "stop that",
          mode: "interrupt",
          resultSchema: { type: "object" },
          messageId: outcome?.messageId,
        },
        undefined,
      ]);
      expect(await seen.current.send()).toBeUndefined();
    });
  });

  test("useApproval has an ask and its answers, until it is answered", async () => {
    const input = { command: "rm" };
    const details = { toolName: "Bash", input };
    const ask = {
      askId: "q",
      conversationId: "main",
      kind: "permission" as const,
      prompt: "?",
      rule: "Bash",
      openedAt: at,
      details,
    };
    b.server.create("s", { asks: [ask] });
    const { seen } = b.probe((askId: string) => b.lab.kit.useApproval("s", askId), "q");
    await soon(() => expect(seen.current).toMatchObject({ ask, toolName: "Bash", input, canAllowForSession: true }));
    await soon(() => expect(b.server.open).toHaveLength(1));
    await seen.current.allow();
    await seen.current.allow({ input: { command: "ls" } });
    await seen.current.allowForSession();
    await seen.current.deny();
    await seen.current.deny("no");
    expect(b.server.requests.flatMap(({ method, body }) => (method === "POST" ? [body] : []))).toEqual([
      { decision: "allow" },
      { decision: "allow", input: { command: "ls" } },
      { decision: "allow", scope: "session" },
      { decision: "deny" },
      { decision: "deny", reason: "no" },
    ]);
    const gate = Promise.withResolvers<Response>();
    b.server.answer = () => gate.promise;
    void seen.current.deny();
    await soon(() => expect(seen.current.isAnswering).toBe(true));
    gate.resolve(problem("forbidden", 403));
    await soon(() => expect(seen.current).toMatchObject({ isAnswering: false, error: { code: "forbidden" } }));
    b.server.emit("s", "session:ask:resolved", { askId: "q", answer: { decision: "deny" }, by: "other" });
    await soon(() =>
      expect(seen.current).toMatchObject({ ask: undefined, toolName: undefined, canAllowForSession: false }),
    );
  });

  describe("tool calls", () => {
    const names = (items: readonly ConversationItem[]): string[] =>
      items.map((item) => (item.kind === "tool" ? `${item.call.id}+${item.result?.id ?? ""}` : item.block.id));

    test("stand with their results, wherever those came; what did not change is the same object", () => {
      const { pairToolCalls } = b.lab.kit;
      const [one, two] = [call("1"), call("2")];
      const before = [text("a"), one, two, result("2"), result("lost")];
      const items = pairToolCalls(before);
      expect(names(items)).toEqual(["a", "call-1+", "call-2+result-2", "result-lost"]);
      const next = pairToolCalls([...before, result("1")]);
      expect(names(next)).toEqual(["a", "call-1+result-1", "call-2+result-2", "result-lost"]);
      expect(next.map((item, index) => item === items[index])).toEqual([true, false, true, true]);
    });

    test("useConversationItems has them live", async () => {
      b.server.create("s", { blocks: [call("1")] });
      const { seen } = b.probe((id: string) => b.lab.kit.useConversationItems(id), "s");
      await soon(() => expect(names(seen.current)).toEqual(["call-1+"]));
      await soon(() => expect(b.server.open).toHaveLength(1));
      b.server.emit("s", "session:block:start", { conversationId: "main", block: result("1") });
      await soon(() => expect(names(seen.current)).toEqual(["call-1+result-1"]));
    });

    test("useConversationItem has one of useConversationItemIds, which stay the same while it changes", async () => {
      b.server.create("s", { blocks: [call("1"), call("2")] });
      const { useConversationItem, useConversationItemIds } = b.lab.kit;
      const hook = (id: string) => ({ ids: useConversationItemIds(id), ...useConversationItem(id, "call-1") });
      const { seen } = b.probe(hook, "s");
      await soon(() => expect(seen.current.ids).toEqual(["call-1", "call-2"]));
      await soon(() => expect(b.server.open).toHaveLength(1));
      const before = seen.current.ids;
      b.server.emit("s", "session:block:start", { conversationId: "main", block: result("1") });
      await soon(() => expect(seen.current).toMatchObject({ item: { kind: "tool", result: { id: "result-1" } } }));
      expect(seen.current.ids).toBe(before);
      expect(seen.current.isStreaming).toBe(false);
    });
  });

  describe("files", () => {
    const paths = (nodes: readonly FileNode[]): unknown[] =>
      nodes.map(({ name, children }) => (children === undefined ? name : [name, ...paths(children)]));

    test("are folders in folders, whatever their names", () => {
      const files = ["b/y", "__proto__/constructor", "b/x/z", "a", "b/<img src=x>", "toString"].map((path) => ({
        path,
      }));
      const tree = b.lab.kit.fileTree([...files, { path: "empty", type: "directory" }]);
      expect(paths(tree)).toEqual([
        ["__proto__", "constructor"],
        ["b", ["x", "z"], "<img src=x>", "y"],
        ["empty"],
        "a",
        "toString",
      ]);
      expect(tree[1]?.children?.[0]).toMatchObject({ path: "b/x", file: undefined });
      expect(tree[2]?.file).toEqual({ path: "empty", type: "directory" });
    });

    test("useFileTree opens folders, and shows a file's content, live", async () => {
      b.server.create("s", {
        workspaceFiles: [
          { path: "d/a", content: "A" },
          { path: "bin", content: "AP8=", encoding: "base64" },
        ],
      });
      const { seen } = b.probe(b.lab.kit.useFileTree, "s");
      await soon(() => expect(paths(seen.current.tree)).toEqual([["d", "a"], "bin"]));
      await soon(() => expect(b.server.open).toHaveLength(1));
      expect([seen.current.isOpen("d"), seen.current.selected, seen.current.content.text]).toEqual([
        false,
        undefined,
        undefined,
      ]);
      seen.current.toggle("d");
      seen.current.select("d/a");
      await soon(() => expect(seen.current.content.text).toBe("A"));
      expect(seen.current.isOpen("d")).toBe(true);
      seen.current.toggle("d");
      await soon(() => expect(seen.current.isOpen("d")).toBe(false));
      b.server.emit("s", "session:file:modified", { file: { path: "d/a", content: "B" } });
      await soon(() => expect(seen.current.content.text).toBe("B"));
      seen.current.select("bin");
      await soon(() =>
        expect(seen.current.content).toMatchObject({ text: undefined, bytes: new Uint8Array([0, 255]) }),
      );
      b.server.emit("s", "session:file:deleted", { path: "bin" });
      await soon(() => expect(seen.current).toMatchObject({ selected: undefined, content: { bytes: undefined } }));
    });

    test("useFileTree fetches what is too large for the state, and says where that fails", async () => {
      b.server.create("s", {
        workspaceFiles: [
          { path: "big", truncated: true, sha256: "1" },
          { path: "gone", truncated: true },
        ],
      });
      const gate = Promise.withResolvers<Response>();
      b.server.answer = ({ path }) => {
        if (path.endsWith("/files/big")) return gate.promise;
        return path.endsWith("/files/gone") ? problem("file_not_found", 404) : undefined;
      };
      const { seen } = b.probe(b.lab.kit.useFileTree, "s");
      await soon(() => expect(seen.current.tree).toHaveLength(2));
      seen.current.select("big");
      await soon(() => expect(seen.current.content.isLoading).toBe(true));
      gate.resolve(new Response("much"));
      await soon(() => expect(seen.current.content).toMatchObject({ text: "much", isLoading: false }));
      seen.current.select("gone");
      await soon(() =>
        expect(seen.current.content).toMatchObject({ isLoading: false, error: { code: "file_not_found" } }),
      );
    });
  });
});
