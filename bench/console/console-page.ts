import type { launchChromium } from "../../tests/testing/launch-chromium.ts";
import { installProbe, type Probe } from "./probe.ts";

export type Browser = Awaited<ReturnType<typeof launchChromium>>;
type Page = Awaited<ReturnType<Browser["newPage"]>>;

/** What the page holds after a garbage collection. */
export interface Held {
  readonly heapBytes: number;
  readonly nodes: number;
  readonly listeners: number;
}

/** A tab of the console, signed in, with a probe in it. */
export interface ConsoleTab extends AsyncDisposable {
  readonly page: Page;
  /** Scripts and style sheets that came before anything else was asked for, with their bytes. */
  readonly files: ReadonlyMap<string, Buffer>;
  open(sessionId: string, text: string): Promise<number>;
  until(text: string): Promise<number>;
  /** What the probe has noted since the last `reset`. */
  noted(): Promise<Pick<Probe, "longTasks" | "painted">>;
  reset(): Promise<void>;
  held(): Promise<Held>;
}

export async function openTab(browser: Browser, { url, key }: { url: string; key: string }): Promise<ConsoleTab> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  const files = new Map<string, Buffer>();
  page.on("pageerror", (error) => console.error(`the page: ${error.message}`));
  page.on("response", (response) => {
    const { pathname } = new URL(response.url());
    if (response.status() !== 200 || !/\.(js|css)$|^\/$/.test(pathname)) return;
    response.body().then(
      (body) => files.set(pathname, body),
      // The tab has gone.
      () => {},
    );
  });
  await page.addInitScript(installProbe);
  await signIn(page, url, key);
  const devtools = await context.newCDPSession(page);
  await devtools.send("Performance.enable");
  return {
    page,
    files,
    open: (sessionId, text) =>
      page.evaluate(([hash, end]) => globalThis.probe.open(hash, end), [`#/sessions/${sessionId}`, text] as const),
    until: (text) => page.evaluate((end) => globalThis.probe.until(end), text),
    noted: () => page.evaluate(() => ({ longTasks: globalThis.probe.longTasks, painted: globalThis.probe.painted })),
    reset: () => page.evaluate(() => globalThis.probe.reset()),
    async held() {
      // What only a finalizer lets go of goes with the second one.
      for (let times = 0; times < 2; times += 1) await devtools.send("HeapProfiler.collectGarbage");
      const { metrics } = await devtools.send("Performance.getMetrics");
      const value = (name: string): number => metrics.find((metric) => metric.name === name)?.value ?? Number.NaN;
      return {
        heapBytes: value("JSHeapUsedSize"),
        nodes: value("Nodes"),
        listeners: value("JSEventListeners"),
      };
    },
    [Symbol.asyncDispose]: () => context.close(),
  };
}

async function signIn(page: Page, url: string, key: string): Promise<void> {
  await page.goto(`${url}/#key=${key}`);
  await page.getByRole("navigation").first().waitFor();
}
