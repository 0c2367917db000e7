/** What the page notes while it is measured; times are milliseconds of its own clock. */
export interface Probe {
  /** Tasks of more than 50 ms since the last `reset`. */
  longTasks: number[];
  /** From the arrival of a frame until what it brought was on the screen: how long, and how many pictures of the screen. */
  painted: { ms: number; pictures: number }[];
  reset(): void;
  /** Goes to an address of the console; answers how long until `text` was the last on the screen. */
  open(hash: string, text: string): Promise<number>;
  /** When `text` was the last on the screen. */
  until(text: string): Promise<number>;
}

declare global {
  var probe: Probe;
}

/**
 * Runs in the page, before its own scripts. Deltas carry numbers, as `@7;`: the time from a frame's arrival to its
 * picture ends with the first task after a frame of the screen at which the number stands at the conversation's end.
 */
export function installProbe(): void {
  const PATIENCE_MS = 60_000;
  const arrived = new Map<number, { since: number; picture: number }>();
  let picture = 0;
  let isLooking = false;

  globalThis.probe = {
    longTasks: [],
    painted: [],
    reset() {
      this.longTasks = [];
      this.painted = [];
    },
    open(hash, text) {
      const from = performance.now();
      location.hash = hash;
      return this.until(text).then((at) => at - from);
    },
    async until(text) {
      const from = performance.now();
      for (;;) {
        const at = await afterFrame();
        if (lastTexts().includes(text)) return at;
        if (at - from > PATIENCE_MS) throw new Error(`${text} is not at the end of ${lastTexts()}`);
      }
    },
  };

  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) globalThis.probe.longTasks.push(duration);
  }).observe({ type: "longtask" });

  globalThis.WebSocket = class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      this.addEventListener("message", ({ data }) => onFrame(String(data)));
    }
  };

  function onFrame(data: string): void {
    const number = lastNumber(data);
    if (number === undefined || !data.includes('"session:block:delta"')) return;
    arrived.set(number, { since: performance.now(), picture });
    if (!isLooking) void look();
  }

  async function look(): Promise<void> {
    isLooking = true;
    while (arrived.size > 0) {
      const at = await afterFrame();
      picture += 1;
      const shown = lastNumber(lastTexts()) ?? -1;
      for (const [number, one] of arrived) {
        if (number > shown) continue;
        arrived.delete(number);
        globalThis.probe.painted.push({ ms: at - one.since, pictures: picture - one.picture });
      }
    }
    isLooking = false;
  }

  /** The first task after the next frame: by then it has been painted. */
  function afterFrame(): Promise<number> {
    return new Promise((resolve) => {
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.addEventListener("message", () => resolve(performance.now()));
        port1.start();
        port2.postMessage(null);
      });
    });
  }

  function lastNumber(text: string): number | undefined {
    const end = text.lastIndexOf(";");
    const start = text.lastIndexOf("@", end);
    const number = start < 0 ? Number.NaN : Number(text.slice(start + 1, end));
    return Number.isFinite(number) ? number : undefined;
  }

  /** The end of the conversation as it stands in the document, without reading all of it. */
  function lastTexts(): string {
    const log = document.querySelector('[role="feed"]');
    if (log === null) return "";
    const walker = document.createTreeWalker(log, NodeFilter.SHOW_TEXT);
    let text = "";
    walker.currentNode = log;
    while (walker.lastChild() !== null);
    if (walker.currentNode === log) return "";
    do text = `${walker.currentNode.textContent ?? ""}${text}`;
    while (text.length < 400 && walker.previousNode() !== null);
    return text;
  }
}
