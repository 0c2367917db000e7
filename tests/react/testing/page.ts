import { AgentServiceProvider, BlockList, useMessages, useSessionList } from "@hhopkins/agent-runtime-react";
import type { ShownBlock } from "@hhopkins/agent-runtime-react";
import { createElement as h, useState, type ReactElement } from "react";
import { createRoot } from "react-dom/client";

/** What a test asks of the page, as `window.page`. */
export interface TestPage {
  /** Renderings of blocks since the last `reset`, by their ids. */
  readonly renders: Record<string, number>;
  /** Frames that the screen has had since then. */
  frames: number;
  reset(): void;
  show(sessionId: string): void;
}

const page: TestPage = {
  renders: {},
  frames: 0,
  reset() {
    for (const id of Object.keys(page.renders)) delete page.renders[id];
    page.frames = 0;
  },
  show: () => {},
};
Object.assign(globalThis, { page });

function countFrame(): void {
  page.frames += 1;
  requestAnimationFrame(countFrame);
}
countFrame();

function renderBlock(block: ShownBlock): ReactElement {
  page.renders[block.id] = (page.renders[block.id] ?? 0) + 1;
  return h("p", { id: block.id, className: block.type }, "content" in block ? block.content : block.type);
}

function App(): ReactElement {
  const [sessionId, show] = useState(place.get("session") ?? undefined);
  page.show = show;
  const { sessions } = useSessionList();
  const list = h(BlockList, {
    sessionId,
    className: "blocks",
    // Not every browser keeps the reader's place by itself.
    style: { height: 300, overflow: "auto", overflowAnchor: "none" },
    children: renderBlock,
  });
  return h("main", null, h("nav", null, sessions.map((one) => one.sessionId).join(" ")), list, h(Cost, { sessionId }));
}

/** Beside the list, so that what it takes does not render that. */
function Cost({ sessionId }: { sessionId: string | undefined }): ReactElement {
  const { isStreaming, hasOlder } = useMessages(sessionId);
  return h("footer", null, `${isStreaming} ${hasOlder}`);
}

const place = new URLSearchParams(location.hash.slice(1));
const props = { apiUrl: location.origin, apiKey: place.get("key") ?? "" };
createRoot(document.body).render(h(AgentServiceProvider, props, h(App)));
