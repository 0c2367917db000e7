import { startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { launchChromium } from "../../testing/launch-chromium.ts";
import { API_KEY } from "../../testing/runtime-under-test.ts";
import { endSandboxes, startServerProcess, type ServerProcess } from "../../testing/server-process.ts";

/** A tab of the console. */
export interface ConsolePage {
  readonly page: Page;
  /** Addresses that the tab asked for, in order; those of the server without its origin. */
  readonly requests: readonly string[];
  /** Errors of the page, of its console and of its content policy so far. A test's end fails on any that it has not taken out. */
  readonly problems: string[];
}

export interface OpenOptions extends BrowserContextOptions {
  /** Behind the `#`, such as `/sessions/ID`. */
  readonly path?: string;
  /** Without: the page is not signed in. */
  readonly key?: string | null;
}

/** The real command with the scripted model, and Chromium before its console. */
export interface ConsoleUnderTest extends AsyncDisposable {
  readonly server: ServerProcess;
  readonly model: ScriptedModel;
  readonly browser: Browser;
  readonly folder: string;
  /** A tab, signed in by the link. */
  open(options?: OpenOptions): Promise<ConsolePage>;
  /** What no test looks at any more works on nothing. */
  closeTabs(): Promise<void>;
  /** A session's id. */
  createSession(body?: Readonly<Record<string, unknown>>): Promise<string>;
  /** Sends a message by REST. */
  send(sessionId: string, content: string): Promise<void>;
  /** Kills the server, and starts it again at the same port when the answered function is called. */
  kill(): Promise<() => Promise<void>>;
}

export interface ConsoleOptions {
  readonly flags?: readonly string[];
  /** Of the server's configuration, instead of the one that it has without. */
  readonly profiles?: readonly Readonly<Record<string, unknown>>[];
  /** Before the server starts, such as to fill its store. */
  readonly prepare?: (folder: string) => Promise<void>;
}

/** What moves for its looks only, nobody waits for. */
const USUAL: BrowserContextOptions = { viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" };

export async function startConsoleUnderTest(options: ConsoleOptions = {}): Promise<ConsoleUnderTest> {
  const { flags = [], profiles, prepare } = options;
  const [folder, model] = await Promise.all([mkdtemp(join(tmpdir(), "console-")), startScriptedModel()]);
  if (profiles !== undefined)
    await writeFile(join(folder, "agent-runtime.config.ts"), `export default ${JSON.stringify({ profiles })};\n`);
  await prepare?.(folder);
  const start = (more: readonly string[] = []): Promise<ServerProcess> =>
    startServerProcess({ folder, modelUrl: model.url, flags: [...flags, ...more] });
  const [browser, first] = await Promise.all([launchChromium(), start()]);
  let server = first;
  const tabs: ConsolePage[] = [];
  const post = async (path: string, body: unknown): Promise<unknown> => {
    const response = await server.request("POST", path, body);
    if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  return {
    get server() {
      return server;
    },
    model,
    browser,
    folder,
    async open({ path = "/", key = API_KEY, ...context } = {}) {
      const page = await (await browser.newContext({ ...USUAL, ...context })).newPage();
      // As patient as tests are elsewhere on a machine that others use too.
      page.setDefaultTimeout(90_000);
      const tab = watched(page, server.url);
      tabs.push(tab);
      await page.goto(`${server.url}/${key === null ? `#${path}` : `#key=${key}`}`);
      if (key === null) return tab;
      await signedIn(page);
      await page.evaluate((hash) => (location.hash = hash), path);
      return tab;
    },
    async closeTabs() {
      await Promise.all(browser.contexts().map((context) => context.close()));
    },
    async createSession(body = {}) {
      const created = await post("/sessions/create", {
        agentProfileRef: "default",
        architecture: "claude-agent-sdk",
        ...body,
      });
      return (created as { sessionId: string }).sessionId;
    },
    async send(sessionId, content) {
      await post(`/sessions/${sessionId}/message`, { content });
    },
    async kill() {
      const { port } = new URL(server.url);
      await server.end("SIGKILL");
      return async () => {
        server = await start(["--port", port]);
      };
    },
    async [Symbol.asyncDispose]() {
      await browser.close();
      await server[Symbol.asyncDispose]();
      await endSandboxes(folder);
      await model.close();
      await rm(folder, { recursive: true, force: true });
      const problems = tabs.flatMap((tab) => tab.problems);
      if (problems.length > 0) throw new Error(`The console had problems:\n${problems.join("\n")}`);
    },
  };
}

function watched(page: Page, url: string): ConsolePage {
  const requests: string[] = [];
  const problems: string[] = [];
  page.on("request", (request) => requests.push(request.url().replace(url, "")));
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`${message.text()} (${message.location().url})`);
  });
  page.on("dialog", (dialog) => {
    problems.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return { page, requests, problems };
}

/** The link has done its work once the key is out of the address, and there is no field for one any more. */
async function signedIn(page: Page): Promise<void> {
  await page.getByRole("navigation").first().waitFor();
  if (page.url().includes("key=")) throw new Error("The key is still in the address.");
  await page.getByLabel("API key").waitFor({ state: "detached" });
}

/** What the browser itself says of answers that a test provokes. */
export function takeOut(tab: ConsolePage, ...expected: RegExp[]): void {
  const others = tab.problems.filter((problem) => !expected.some((known) => known.test(problem)));
  tab.problems.splice(0, tab.problems.length, ...others);
}
