import { createAgentRuntime, createNodeHandler } from "@hhopkins/agent-runtime";
import { createAgentClient } from "@hhopkins/agent-runtime-client";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const runtime = await createAgentRuntime();
await runtime.start();
const server = createServer(createNodeHandler(runtime.createRestServer({ apiKey: "my-key" })));
const live = runtime.createWebSocketServer(server);
await once(server.listen(0, "127.0.0.1"), "listening");
const { port } = server.address() as AddressInfo;
const client = createAgentClient({ baseUrl: `http://127.0.0.1:${port}`, apiKey: "my-key" });

/** Sends a message, and answers the id of its turn when that has ended. */
async function turn(sessionId: string, content: string): Promise<string> {
  await client.sendMessage(sessionId, content);
  const ended = Promise.withResolvers<string>();
  const following = client.follow(sessionId, {
    onState: ({ queue, turn, lastTurn }) => {
      if (queue.length === 0 && turn === null && lastTurn !== undefined) ended.resolve(lastTurn.turnId);
    },
  });
  const turnId = await ended.promise;
  following.stop();
  return turnId;
}

async function show(name: string, sessionId: string): Promise<void> {
  const { blocks, workspaceFiles } = await client.getSession(sessionId);
  const asked = blocks.flatMap((block) => (block.type === "user_message" ? [block.content] : []));
  console.log(`${name}: ${asked.join(" | ")} -> ${workspaceFiles.map(({ path }) => path).join(", ")}`);
}

const { sessionId } = await client.createSession({ agentProfileRef: "default", architecture: "claude-agent-sdk" });
const plan = await turn(sessionId, "Write a plan for a web shop to plan.md.");
await turn(sessionId, "Build it with a framework.");

// Another session tries the other way, from the end of the first turn.
const fork = await client.forkSession(sessionId, { turnId: plan, name: "without a framework" });
await turn(fork.sessionId, "Build it without any framework.");
await show("session", sessionId);
await show("fork", fork.sessionId);

// The first one goes back there itself; its log keeps what was.
await client.rewindSession(sessionId, plan);
await show("session, gone back", sessionId);

server.close();
await live.close();
await runtime.shutdown();
