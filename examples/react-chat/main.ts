// A page with a chat, and the server behind it: node examples/react-chat/main.ts
import { createAgentRuntime, createNodeHandler } from "@hhopkins/agent-runtime";
import { build } from "esbuild";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

const apiKey = process.env["API_KEY"] ?? "my-key";
const html = await readFile(join(import.meta.dirname, "index.html"));
// Vite or another bundler would do the same in a project of your own.
const { outputFiles } = await build({
  entryPoints: [join(import.meta.dirname, "chat.tsx")],
  bundle: true,
  minify: true,
  format: "esm",
  jsx: "automatic",
  define: { "process.env.NODE_ENV": '"production"' },
  write: false,
});

const runtime = await createAgentRuntime();
await runtime.start();
const api = createNodeHandler(runtime.createRestServer({ apiKey }));
const server = createServer((request, response) => {
  if (request.url === "/chat") response.setHeader("content-type", "text/html").end(html);
  else if (request.url === "/chat.js") response.setHeader("content-type", "text/javascript").end(outputFiles[0]?.text);
  else api(request, response);
});
const live = runtime.createWebSocketServer(server);
await once(server.listen(Number(process.env["PORT"] ?? 3001), "127.0.0.1"), "listening");
const { port } = server.address() as AddressInfo;
// What stands after # is not sent anywhere. Whoever has the link has the key: see docs/react.md for pages of others.
console.log(`open http://127.0.0.1:${port}/chat#key=${apiKey}`);

process.once("SIGTERM", () => {
  server.close();
  void live.close().then(() => runtime.shutdown());
});
