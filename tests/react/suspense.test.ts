// @vitest-environment jsdom
import type { ReactNode } from "react";
import { describe, expect, test, vi } from "vitest";
import { HookBench, soon, text } from "./testing/hook-bench.ts";
import { problem } from "./testing/played-server.ts";
import type { ReactVersion } from "./testing/react-lab.ts";

describe.each<ReactVersion>([19, 18])("React %i", (version) => {
  const b = new HookBench(version);

  /** A conversation under a `<Suspense>` and an error boundary, whose `reset` tries again. */
  function page(renders: string[] = []) {
    const { Component, Suspense, createElement: h } = b.lab.React;
    const Conversation = ({ id }: { id: string }): ReactNode => {
      const { name } = b.lab.kit.useSuspenseSession(id);
      const { blocks } = b.lab.kit.useMessages(id);
      renders.push(id);
      return `${name}: ${blocks.map((block) => block.id).join()}`;
    };
    const Waiting = ({ id }: { id: string }): ReactNode => {
      const { error } = b.lab.kit.useConnection(id);
      return `waiting ${error?.code ?? ""}`.trim();
    };
    const boundary: { reset?: () => void } = {};
    class Boundary extends Component<{ children: ReactNode }, { code?: string }> {
      override state: { code?: string } = {};
      static getDerivedStateFromError = (error: { code: string }) => ({ code: error.code });
      override render(): ReactNode {
        boundary.reset = () => this.setState({ code: undefined as never });
        return this.state.code === undefined ? this.props.children : `failed ${this.state.code}`;
      }
    }
    const tree = (id: string): ReactNode =>
      h(Boundary, null, h(Suspense, { fallback: h(Waiting, { id }) }, h(Conversation, { id })));
    return { tree, boundary };
  }

  test("useSuspenseSession shows the fallback until the state is there, for all hooks beside it, over one line", async () => {
    b.server.create("s", { name: "S", blocks: [text("b")] });
    b.server.isAway = true;
    const { tree } = page();
    const { container } = b.mount(b.provided(tree("s")));
    await soon(() => expect(container.textContent).toBe("waiting unreachable"));
    b.server.isAway = false;
    await soon(() => expect(container.textContent).toBe("S: b"));
    await soon(() => expect(b.server.open).toHaveLength(1));
    b.server.emit("s", "session:block:start", { conversationId: "main", block: text("c") });
    await soon(() => expect(container.textContent).toBe("S: b,c"));
    expect(b.server.lines.filter(({ joined }) => joined.size > 0)).toHaveLength(1);
  });

  test("in a transition the session before it stays in view, and nothing of another one is rendered", async () => {
    for (const id of ["one", "two"]) b.server.create(id, { name: id, blocks: [text(`b-${id}`)] });
    const { tree } = page();
    const { useState, startTransition, createElement } = b.lab.React;
    const seen: string[] = [];
    let show: (id: string) => void = () => {};
    const Switch = (): ReactNode => {
      const [id, set] = useState("one");
      show = (next) => startTransition(() => set(next));
      return tree(id);
    };
    const { container } = b.mount(b.provided(createElement(Switch)));
    await soon(() => expect(container.textContent).toBe("one: b-one"));
    const watching = new MutationObserver(() => seen.push(container.textContent ?? ""));
    watching.observe(container, { childList: true, subtree: true, characterData: true, attributes: true });
    const gate = Promise.withResolvers<undefined>();
    b.server.answer = ({ path }) => (path === "/sessions/two" ? gate.promise : undefined);
    show("two");
    await soon(() => expect(b.server.requests.at(-1)?.path).toBe("/sessions/two"));
    expect(container.textContent).toBe("one: b-one");
    gate.resolve(undefined);
    await soon(() => expect(container.textContent).toBe("two: b-two"));
    watching.disconnect();
    expect(new Set(seen)).toEqual(new Set(["two: b-two"]));
  });

  test("where there will be no session its error goes to the boundary, and another try finds it", async () => {
    const said = vi.spyOn(console, "error").mockImplementation(() => {});
    // React 18 tells the window too, of what a boundary has caught.
    const quiet = (event: Event): void => event.preventDefault();
    addEventListener("error", quiet);
    b.server.answer = ({ path }) => (path.startsWith("/sessions/s") ? problem("session_not_found", 404) : undefined);
    const { tree, boundary } = page();
    const { container } = b.mount(b.provided(tree("s")));
    await soon(() => expect(container.textContent).toBe("failed session_not_found"));
    b.server.create("s", { name: "S" });
    b.server.answer = () => undefined;
    await soon(() => {
      boundary.reset?.();
      expect(container.textContent).toBe("S: ");
    }, 100);
    removeEventListener("error", quiet);
    said.mockRestore();
  });

  test("unmounted while it waits: the line ends, and nothing complains", async () => {
    const said = vi.spyOn(console, "error");
    b.server.create("s", { name: "S" });
    const gate = Promise.withResolvers<undefined>();
    b.server.answer = () => gate.promise;
    const { container } = b.mount(b.provided(page().tree("s")));
    await soon(() => expect(container.textContent).toBe("waiting"));
    b.unmount();
    gate.resolve(undefined);
    await soon(() => expect(b.server.open).toHaveLength(0));
    expect(said).not.toHaveBeenCalled();
    said.mockRestore();
  });

  test("a server renders the fallback and opens nothing; the browser goes on from there", async () => {
    b.server.create("s", { name: "S", blocks: [text("b")] });
    const { tree } = page();
    const said = vi.spyOn(console, "error").mockImplementation(() => {});
    const html = b.lab.renderToString(b.provided(tree("s")));
    expect(html).toContain("waiting");
    expect([b.server.lines, b.server.requests]).toEqual([[], []]);
    const container = document.body.appendChild(document.createElement("div"));
    container.innerHTML = html;
    const root = b.lab.hydrateRoot(container, b.provided(tree("s")), { onRecoverableError: () => {} });
    await soon(() => expect(container.textContent).toBe("S: b"));
    root.unmount();
    container.remove();
    said.mockRestore();
  });
});
