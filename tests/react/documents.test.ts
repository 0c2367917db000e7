import { script, startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { build } from "esbuild";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { API_KEY } from "../testing/runtime-under-test.ts";
import { endSandboxes, startServerProcess, type ServerProcess } from "../testing/server-process.ts";
import { launchChromium } from "../testing/launch-chromium.ts";

const WAIT = { timeout: 60_000 };
let model: ScriptedModel;
let folder: string;
let pages: Server;
let bundle: string;
let server: ServerProcess;

beforeAll(async () => {
  model = await startScriptedModel();
  folder = await mkdtemp(join(tmpdir(), "react-document-"));
  pages = createServer((request, response) => {
    if (request.url === "/main.js") response.setHeader("content-type", "text/javascript").end(bundle);
    else
      response
        .setHeader("content-type", "text/html")
        .end('<div id="root"></div><script type="module" src="/main.js"></script>');
  });
  await once(pages.listen(0, "127.0.0.1"), "listening");
  server = await startServerProcess({ folder, modelUrl: model.url, flags: ["--cors-origin", origin()] });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await endSandboxes(folder);
  pages.close();
  pages.closeAllConnections();
  await model.close();
  await rm(folder, { recursive: true, force: true });
});

function origin(): string {
  return `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
}

/** What Vite makes of its template with the page's `src/App.tsx`. */
async function bundled(app: string): Promise<string> {
  const main = `import { StrictMode } from "react";
    import { createRoot } from "react-dom/client";
    import App from "./App.tsx";
    createRoot(document.getElementById("root")!).render(<StrictMode><App /></StrictMode>);`;
  const { outputFiles } = await build({
    stdin: { contents: main, resolveDir: import.meta.dirname, loader: "tsx" },
    plugins: [
      {
        name: "document",
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /App\.tsx$/ }, () => ({ path: "App.tsx", namespace: "document" }));
          onLoad({ filter: /.*/, namespace: "document" }, () => ({
            contents: app,
            loader: "tsx",
            resolveDir: import.meta.dirname,
          }));
        },
      },
    ],
    bundle: true,
    format: "esm",
    jsx: "automatic",
    define: {
      "process.env.NODE_ENV": '"development"',
      "import.meta.env.VITE_AGENT_URL": JSON.stringify(server.url),
      "import.meta.env.VITE_AGENT_KEY": JSON.stringify(API_KEY),
    },
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}

test("the page of docs/react.md works as it stands there, on a server of another origin", async () => {
  const document = await readFile(join(import.meta.dirname, "../../docs/react.md"), "utf8");
  const app = /```tsx\n([\s\S]*?)```/.exec(document)?.[1] ?? "";
  expect(app).toContain("export default function App");
  bundle = await bundled(app);
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error" && !message.location().url.endsWith("favicon.ico")) problems.push(message.text());
    });
    await page.goto(origin());
    await page.getByRole("button", { name: "New chat", exact: true }).click();
    const tools = [{ name: "Bash", input: { command: "true", description: "Nothing" } }];
    await page
      .locator("textarea")
      .fill(`Hello. ${script([{ text: "Hello to you.", tools }, { text: "That was it." }])}`);
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await page.getByText("That was it.", { exact: true }).waitFor(WAIT);
    await page.getByText("Bash (success)", { exact: true }).waitFor(WAIT);
    await page.getByText(/^[1-9]\d* tokens$/).waitFor(WAIT);
    await page.getByRole("button", { name: "Stop", exact: true }).waitFor({ state: "detached", ...WAIT });
    expect(problems).toEqual([]);
  } finally {
    await browser.close();
  }
});
