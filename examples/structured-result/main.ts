// An agent whose answer is an object of a known shape: node examples/structured-result/main.ts ["I had two teas at 3.50"]
import { createAgentRuntime, createNodeHandler, type SessionState } from "@hhopkins/agent-runtime";
import { createAgentClient } from "@hhopkins/agent-runtime-client";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";

const Bill = z.strictObject({
  items: z.array(z.object({ name: z.string(), count: z.number().int(), price: z.number() })),
  total: z.number(),
});

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
const bill = process.argv[2] ?? "I had two teas at 3.50 each and a cake at 4.20.";
await client.sendMessage(sessionId, bill, { resultSchema: z.toJSONSchema(Bill, { target: "draft-7" }) });
const { lastTurn } = await over.promise;
following.stop();

if (lastTurn?.status === "completed") {
  const { items, total } = Bill.parse(lastTurn.result);
  for (const { name, count, price } of items) console.log(`${count} × ${name} at ${price}`);
  console.log(`total: ${total}`);
} else {
  // The agent was told what is wrong, and did not get it right.
  console.log(`${lastTurn?.error?.code}: ${lastTurn?.error?.message}`);
}

await live.close();
server.close();
await runtime.shutdown();
