// A page without a framework, and the server behind it: node examples/plain-html/main.ts
import { createAgentRuntime, createNodeHandler } from "@hhopkins/agent-runtime";
import { build } from "esbuild";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

const apiKey = process.env["API_KEY"] ?? "my-key";
const html = await readFile(join(import.meta.dirname, "index.html"));
// The client as one file of 10 kB that a page can import.
const { outputFiles } = await build({
  stdin: { contents: 'export * from "@hhopkins/agent-runtime-client";', resolveDir: import.meta.dirname },
  bundle: true,
  minify: true,
  format: "esm",
  write: false,
});

const runtime = await createAgentRuntime();
await runtime.start();
const api = createNodeHandler(runtime.createRestServer({ apiKey }));
const server = createServer((request, response) => {
  if (request.url === "/page") response.setHeader("content-type", "text/html").end(html);
  else if (request.url === "/client.js")
    response.setHeader("content-type", "text/javascript").end(outputFiles[0]?.text);
  else api(request, response);
});
const live = runtime.createWebSocketServer(server);
await once(server.listen(Number(process.env["PORT"] ?? 3001), "127.0.0.1"), "listening");
const { port } = server.address() as AddressInfo;
console.log(`open http://127.0.0.1:${port}/page#key=${apiKey}`);

process.once("SIGTERM", () => {
  server.close();
  void live.close().then(() => runtime.shutdown());
});
