// An agent that looks orders up in this program: node examples/host-tool/main.ts ["Where is my order o-1042?"]
import { createAgentRuntime, createNodeHandler, parseEvent, tool } from "@hhopkins/agent-runtime";
import { createAgentClient } from "@hhopkins/agent-runtime-client";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";

// The agent does not see them as a whole: a session may ask for the orders of its own customer.
const orders = [
  { id: "o-1042", customer: "ada", status: "on its way, with you tomorrow" },
  { id: "o-1043", customer: "grace", status: "delivered" },
];

const runtime = await createAgentRuntime({
  tools: {
    lookupOrder: tool({
      description: "Looks one of the customer's orders up, by its number.",
      input: z.object({ orderId: z.string().describe("Such as o-1042") }),
      // It only reads, so it may run again when this program was killed in the middle of it.
      idempotent: true,
      timeoutMs: 10_000,
      async run({ orderId }, { metadata, progress, signal }) {
        progress(`asking the warehouse for ${orderId}`);
        await delay(100, undefined, { signal });
        const order = orders.find(({ id, customer }) => id === orderId && customer === metadata["customer"]);
        if (order === undefined) throw new Error(`There is no order ${orderId} of this customer.`);
        return { orderId, status: order.status };
      },
    }),
  },
});
await runtime.start();
const server = createServer(createNodeHandler(runtime.createRestServer({ apiKey: "my-key" })));
const live = runtime.createWebSocketServer(server);
await once(server.listen(0, "127.0.0.1"), "listening");
const { port } = server.address() as AddressInfo;
const client = createAgentClient({ baseUrl: `http://127.0.0.1:${port}`, apiKey: "my-key" });

const { sessionId } = await client.createSession({
  agentProfileRef: "default",
  architecture: "claude-agent-sdk",
  metadata: { customer: "ada" },
});
await client.sendMessage(sessionId, process.argv[2] ?? "Where is my order o-1042?");
const over = Promise.withResolvers<void>();
const following = client.follow(
  sessionId,
  {
    onEvent(frame) {
      const event = parseEvent(frame);
      if (event?.type === "session:host-tool:called") {
        const { toolName, input } = event.data.call;
        console.log(`${toolName} ${JSON.stringify(input)}`);
      }
      if (event?.type === "session:block:update" && event.data.updates.progress !== undefined)
        console.log(`… ${event.data.updates.progress}`);
      if (event?.type === "session:host-tool:completed") console.log(`${event.data.status}: ${event.data.content}`);
      if (event?.type === "session:turn:completed") over.resolve();
    },
  },
  { fromStart: true },
);
await over.promise;
following.stop();
const { blocks } = await client.getSession(sessionId);
for (const block of blocks) if (block.type === "assistant_text") console.log(block.content);

server.close();
await live.close();
await runtime.shutdown();
