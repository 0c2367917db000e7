import { afterEach, beforeEach, expect, test } from "vitest";
import { LogFrame } from "../log/frame.ts";
import { sharedBytes } from "./shared-bytes.ts";
import { KEY, serve, type Serving } from "./testing/serving.ts";
import { textEvents } from "./testing/text-events.ts";
import { TestClient } from "./testing/ws-client.ts";

const principal = { id: "a", tenant: "a" };
let serving: Serving;

beforeEach(async () => {
  serving = await serve({ webSocket: { bufferBytes: 1000 } });
});
afterEach(() => serving.stop());

function frames(texts: readonly string[]): LogFrame[] {
  return textEvents("s", "b1", texts).map((draft, index) => {
    return new LogFrame({ ...draft, seq: index + 1, at: "2026-01-01T00:00:00.000Z" });
  });
}

test("the same frames are encoded once, whoever sends them, and a run is cut where it grows too large to hold", () => {
  const encoded: number[] = [];
  const bytesOf = sharedBytes((run) => {
    encoded.push(run.length);
    return Buffer.from(run.map((frame) => frame.webSocket).join("\n"));
  });
  const all = frames(["a", "x".repeat(200_000), "x".repeat(200_000), "b"]);
  const first = [...bytesOf(all, "log:1")];
  const second = [...bytesOf([...all], "log:1")];
  expect(second.map((bytes, index) => bytes === first[index])).toEqual(first.map(() => true));
  // Its end has the whole text once more, and goes alone.
  expect(encoded).toEqual([3, 2, 1]);
  expect([...bytesOf([], "log:1")]).toEqual([]);
});

test("a WebSocket that may hold little, and frames of each kind of length, come as they are", async () => {
  const { sessionId } = await serving.sessions.create(principal, {
    agentProfileRef: "default",
    architecture: "claude-agent-sdk",
  });
  await using client = await new TestClient(`ws://127.0.0.1:${serving.port}/ws`, {
    headers: { "x-api-key": KEY },
  }).opened();
  await client.ask("session:join", { sessionId });
  const around = (length: number): string[] =>
    Array.from({ length: 300 }, (_unused, n) => "é".repeat((length - n) / 2));
  const texts = ["", ...around(300), ...around(0x10000), "x".repeat(200_000)];
  for (const draft of textEvents(sessionId, "b1", texts)) serving.sessions.append(sessionId, draft);
  await client.next((frame) => frame.seq === texts.length + 3);
  const deltas = client.frames.filter(({ event }) => event === "session:block:delta");
  expect(deltas.map(({ data }) => data.delta).join("")).toBe(texts.join(""));
});
