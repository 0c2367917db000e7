import type { SessionState } from "@hhopkins/agent-runtime-protocol";
import { script, startScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { TestClient } from "../../transport/testing/ws-client.ts";
import type { PersistenceAdapter } from "../port.ts";
import { FOUNDING_KEY, foundingServer, type FoundingServer } from "./founding-server.ts";

/** A place where a store keeps its data, empty. */
export interface StorePlace {
  /** The adapter line: not open. Called once for each server. */
  adapter(): PersistenceAdapter;
  /** Rows or documents by table, of every table there is, but those that say which migrations were made. */
  tables(): Promise<Readonly<Record<string, number>>>;
  end(): Promise<void>;
}

const WORK = script([
  {
    thinking: "A file, then.",
    text: "I shall write a report.",
    tools: [{ name: "Write", input: { file_path: "/workspace/report.md", content: "# Report\n" } }],
  },
  { tools: [{ name: "Bash", input: { command: "wc -c < report.md", description: "count" } }] },
  { text: "All is done." },
  { tools: [{ name: "Bash", input: { command: "cat report.md", description: "read" } }] },
  { text: "I remember it all." },
]);

/** A server of the founding example's shape on a store: its main job, a restart, and a `DELETE` that leaves nothing. */
export function foundingServerTests(store: string, open: () => Promise<StorePlace>): void {
  test(`the founding example's server on ${store}: its job, a restart, and a DELETE that leaves nothing`, async () => {
    const place = await open();
    const model = await startScriptedModel();
    const dataDir = await mkdtemp(join(tmpdir(), "founding-server-"));
    let server: FoundingServer | undefined;
    const serve = async (): Promise<FoundingServer> => {
      server = await foundingServer(place.adapter(), { dataDir, modelUrl: model.url });
      return server;
    };
    const shutdown = async (): Promise<void> => {
      const ending = server;
      server = undefined;
      await ending?.shutdown();
    };
    try {
      const first = await serve();
      const sessionId = await created(first);
      const done = await followedTurn(first, sessionId);
      expect(filled(await place.tables())).toEqual(expect.arrayContaining([expect.stringContaining("vents")]));
      await shutdown();

      const second = await serve();
      expect(settled(await second.idle(sessionId, done.lastSeq))).toEqual(settled(done));
      const listed = await second.call("GET", "/sessions");
      expect(listed.json).toMatchObject({ sessions: [{ sessionId }] });
      await send(second, sessionId, "Do you remember?");
      const resumed = await second.idle(sessionId, done.lastSeq + 8);
      expect(said(resumed).at(-1)).toBe("I remember it all.");
      expect(results(resumed).at(-1)).toContain("# Report");

      expect((await second.call("DELETE", `/sessions/${sessionId}`)).status).toBe(204);
      expect((await second.call("GET", `/sessions/${sessionId}`)).status).toBe(404);
      expect(filled(await place.tables()).filter((table) => !/nodes$/i.test(table))).toEqual([]);
      await shutdown();
      expect(filled(await place.tables())).toEqual([]);
    } finally {
      await shutdown();
      await model.close();
      await place.end();
      await rm(dataDir, { recursive: true, force: true });
    }
  }, 180_000);
}

async function created(server: FoundingServer): Promise<string> {
  const body = { agentProfileRef: "default", architecture: "claude-agent-sdk" };
  const { status, json } = await server.call("POST", "/sessions/create", body);
  expect([status, json]).toMatchObject([201, { sessionId: expect.any(String) as string }]);
  return (json as { sessionId: string }).sessionId;
}

async function send(server: FoundingServer, sessionId: string, content: string): Promise<void> {
  expect((await server.call("POST", `/sessions/${sessionId}/message`, { content })).status).toBe(202);
}

/** The first turn, followed over WebSocket to its end; the state that it leaves behind. */
async function followedTurn(server: FoundingServer, sessionId: string): Promise<SessionState> {
  await using client = await new TestClient(`${server.url.replace("http", "ws")}/ws`, {
    headers: { "x-api-key": FOUNDING_KEY },
  }).opened();
  expect(await client.ask("session:join", { sessionId })).toMatchObject({ success: true });
  await send(server, sessionId, `Please work. ${WORK}`);
  const end = await client.next(({ event }) => event === "session:turn:completed");
  expect(end.data).toMatchObject({ status: "completed" });
  expect(client.seqs()).toEqual(client.seqs().map((_seq, index) => index + 1));
  const state = await server.idle(sessionId, end.seq ?? 0);
  expect(said(state)).toEqual(["I shall write a report.", "All is done."]);
  expect(results(state).at(-1)).toBe("9");
  expect(state.workspaceFiles).toMatchObject([{ path: "report.md", content: "# Report\n" }]);
  return state;
}

function said({ blocks }: SessionState): string[] {
  return blocks.flatMap((block) => (block.type === "assistant_text" ? [block.content] : []));
}

function results({ blocks }: SessionState): string[] {
  return blocks.flatMap((block) => (block.type === "tool_result" ? [block.content] : []));
}

/** A state without what a restart may change. */
function settled({
  lastSeq: _lastSeq,
  lastActivity: _lastActivity,
  runtime: _runtime,
  sandboxes: _sandboxes,
  ...state
}: SessionState): object {
  return state;
}

/** Tables that have something. */
function filled(tables: Readonly<Record<string, number>>): string[] {
  return Object.entries(tables).flatMap(([name, count]) => (count > 0 ? [name] : []));
}
