// Shows files to an agent: node examples/attachments/main.ts "What is in them?" photo.png prices.csv
import { createAgentRuntime, createNodeHandler, type SessionState } from "@hhopkins/agent-runtime";
import { createAgentClient } from "@hhopkins/agent-runtime-client";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, extname } from "node:path";

// Pictures and PDFs are for the model's eyes; files of all other types lie in the agent's workspace.
const TYPES: Record<string, string> = { ".png": "image/png", ".jpg": "image/jpeg", ".pdf": "application/pdf" };

const [question = "What is in this file?", ...files] = process.argv.slice(2);
const paths = files.length === 0 ? [import.meta.filename] : files;
const attachments = await Promise.all(
  paths.map(async (path) => ({
    name: basename(path),
    mediaType: TYPES[extname(path)] ?? "application/octet-stream",
    data: new Uint8Array(await readFile(path)),
  })),
);

const runtime = await createAgentRuntime();
await runtime.start();
const server = createServer(createNodeHandler(runtime.createRestServer({ apiKey: "my-key" })));
const live = runtime.createWebSocketServer(server);
await once(server.listen(0, "127.0.0.1"), "listening");
const { port } = server.address() as AddressInfo;
const client = createAgentClient({ baseUrl: `http://127.0.0.1:${port}`, apiKey: "my-key" });

const { sessionId } = await client.createSession({ agentProfileRef: "default", architecture: "claude-agent-sdk" });
const over = Promise.withResolvers<SessionState>();
const following = client.follow(sessionId, {
  onState: (state) => {
    if (state.lastTurn !== undefined) over.resolve(state);
  },
});
await client.sendMessage(sessionId, question, { attachments });
const { blocks } = await over.promise;
following.stop();

for (const block of blocks) {
  if (block.type === "user_message")
    for (const { name, path } of block.attachments ?? []) console.log(`${name}: ${path ?? "seen by the model"}`);
  if (block.type === "assistant_text") console.log(block.content);
}

await live.close();
server.close();
await runtime.shutdown();
