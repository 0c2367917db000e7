import { memoryPersistence } from "@hhopkins/agent-runtime/persistence/memory";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { KEY, runningServer } from "../contract/running-server.ts";
import { bash, prompt } from "../testing/prompts.ts";

interface Frame {
  readonly event: string;
  readonly seq: number;
  readonly from?: number;
  readonly data: Record<string, unknown> & { conversationId?: string };
}

/** The frames of the log that come over a WebSocket at an address; `join` is sent first. */
function follow(url: string, join?: object): { frames: Frame[]; until(event: string): Promise<void>; close(): void } {
  const frames: Frame[] = [];
  const waiting = new Set<() => void>();
  const socket = new WebSocket(url.replace("http", "ws"), { headers: { "x-api-key": KEY } });
  socket.on("open", () => join && socket.send(JSON.stringify({ id: 1, event: "session:join", data: join })));
  socket.on("message", (data: Buffer) => {
    const frame = JSON.parse(data.toString()) as Frame;
    if (frame.seq === undefined) return;
    frames.push(frame);
    for (const look of waiting) look();
  });
  const until = (event: string): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (frames.some((frame) => frame.event === event)) resolve();
      };
      waiting.add(look);
      look();
    });
  return { frames, until, close: () => socket.close() };
}

/** What stands in which conversation, and whether each frame follows the one before without a hole. */
function outline(frames: readonly Frame[]): { conversations: unknown[]; others: string[]; holes: number } {
  let cursor = 0;
  let holes = 0;
  for (const { seq, from = seq } of frames) {
    if (from !== cursor + 1) holes += 1;
    cursor = seq;
  }
  const conversations = new Set(frames.flatMap(({ data }) => data.conversationId ?? []));
  const others = frames.filter(({ data }) => data.conversationId === undefined).map(({ event }) => event);
  return { conversations: [...conversations], others, holes };
}

test("a conversation is followed alone: by WebSocket, by its address, and by server-sent events", async () => {
  await using server = await runningServer({
    config: { persistence: memoryPersistence({ profiles: [{ id: "lead", name: "Lead", tools: ["Bash", "Agent"] }] }) },
  });
  const sessionId = await server.create({ agentProfileRef: "lead" });
  const main = follow(`${server.url}/ws`, { sessionId, after: 0, conversation: "main" });
  const help = prompt("Help", { tools: [bash("echo helping")] }, { text: "I helped." });
  const call = { name: "Agent", input: { description: "Help", subagent_type: "general-purpose", prompt: help } };
  const headers = { "x-api-key": KEY, "content-type": "application/json" };
  const content = prompt("Ask", { text: "I ask.", tools: [call] }, { text: "Helped." });
  await fetch(`${server.url}/sessions/${sessionId}/message`, {
    method: "POST",
    headers,
    body: JSON.stringify({ content }),
  });
  await main.until("session:subagent:discovered");
  const discovered = main.frames.find(({ event }) => event === "session:subagent:discovered");
  const { id } = (discovered?.data["subagent"] ?? {}) as { id: string };
  const helper = follow(`${server.url}/ws?sessionId=${sessionId}&after=0&conversation=${id}`);
  await Promise.all([helper.until("session:subagent:completed"), helper.until("session:subagent:usage")]);
  const [first] = helper.frames;
  expect(first).toMatchObject({ event: "session:subagent:discovered", from: 1 });
  expect(outline(helper.frames)).toEqual({
    conversations: [id],
    others: ["session:subagent:discovered", "session:subagent:completed", "session:subagent:usage"],
    holes: 0,
  });
  expect(JSON.stringify(helper.frames)).toContain("I helped.");
  expect(JSON.stringify(helper.frames)).not.toContain("I ask.");

  const events = `${server.url}/sessions/${sessionId}/events?follow=false&conversation=${id}`;
  const text = await (await fetch(events, { headers })).text();
  const again = text.split("\n").flatMap((line) => (line.startsWith("event: ") ? [line.slice(7)] : []));
  expect(again.filter((event) => event.startsWith("session:"))).toEqual(
    expect.arrayContaining(["session:subagent:discovered", "session:block:complete", "session:subagent:completed"]),
  );
  expect(text).toContain("I helped.");
  expect(text).not.toContain("I ask.");

  expect(outline(main.frames)).toMatchObject({ conversations: ["main"], others: ["session:subagent:discovered"] });
  expect(outline(main.frames).holes).toBe(0);
  main.close();
  helper.close();
  const bad = await fetch(`${server.url}/sessions/${sessionId}/events?conversation=a%20b`, { headers });
  expect(bad.status).toBe(400);
});
