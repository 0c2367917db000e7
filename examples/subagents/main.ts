// Two subagents at work at once, what each says and what it cost: node examples/subagents/main.ts ["Compare tea and coffee"]
import { createAgentRuntime, createNodeHandler } from "@hhopkins/agent-runtime";
import { createAgentClient } from "@hhopkins/agent-runtime-client";
import { memoryPersistence } from "@hhopkins/agent-runtime/persistence/memory";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const critic = (name: string, description: string) => ({
  name,
  description,
  prompt: `You are a critic. ${description}. Be brief.`,
  tools: ["Read", "Bash"],
});
const editor = {
  id: "editor",
  name: "Editor",
  systemPrompt: "Ask both critics at once, in the background, and sum up what they say.",
  tools: ["Read", "Bash"],
  subagents: [critic("optimist", "Finds what is good"), critic("pessimist", "Finds what is wrong")],
};

const runtime = await createAgentRuntime({ persistence: memoryPersistence({ profiles: [editor] }) });
await runtime.start();
const server = createServer(createNodeHandler(runtime.createRestServer({ apiKey: "my-key" })));
const live = runtime.createWebSocketServer(server);
await once(server.listen(0, "127.0.0.1"), "listening");
const { port } = server.address() as AddressInfo;
const client = createAgentClient({ baseUrl: `http://127.0.0.1:${port}`, apiKey: "my-key" });

const { sessionId } = await client.createSession({ agentProfileRef: "editor", architecture: "claude-agent-sdk" });
const over = Promise.withResolvers<void>();
let atOnce = 0;
const following = client.follow(sessionId, {
  onState: ({ subagents, lastTurn }) => {
    atOnce = Math.max(atOnce, subagents.filter(({ status }) => status === "running").length);
    if (lastTurn !== undefined) over.resolve();
  },
});
await client.sendMessage(sessionId, process.argv[2] ?? "Compare tea and coffee.");
await over.promise;
following.stop();

const { subagents, blocks } = await client.getSession(sessionId);
console.log(`${atOnce} subagents at once`);
for (const { id, name, status, output, usage, costUSD } of subagents) {
  const conversation = await client.getBlocks(sessionId, { conversation: id });
  console.log(`${name}, ${status}: ${output}`);
  console.log(`  ${conversation.blocks.length} blocks, ${usage?.totalTokens} tokens, $${costUSD?.toFixed(6)}`);
}
for (const block of blocks) if (block.type === "assistant_text") console.log(`editor: ${block.content}`);

server.close();
await live.close();
await runtime.shutdown();
