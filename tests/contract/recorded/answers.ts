import type { ConversationBlock, SessionListItem } from "@hhopkins/agent-runtime";
import { describe, expect, test } from "vitest";
import { HASH, NUMBER, TEXT, TIME, one } from "./one.ts";
import { LARGE_FILE_BYTES, LONG_TEXT } from "./record.ts";

describe("answers", () => {
  test("answer of create", () => {
    expect(one.created.status).toBe(201);
    expect(one.created.json).toEqual({
      sessionId: TEXT,
      type: "claude-agent-sdk",
      agentProfileReference: "default",
      name: "Recorded",
      createdAt: TIME,
      lastActivity: TIME,
      sessionOptions: { model: "model-one" },
      metadata: { mine: true },
      runtime: { isLoaded: false, sandbox: null },
    });
  });

  test("answer of a message and of commands", () => {
    const { sessionId } = one;
    expect(one.sent["first"]?.status).toBe(202);
    expect(one.sent["first"]?.json).toEqual({ success: true, sessionId, messageId: "first" });
    expect(one.sent["refused"]?.json).toEqual({ success: true, sessionId, messageId: "refused", position: 2 });
    for (const name of ["update", "withdraw", "interrupt", "options", "unload"])
      expect([name, one.sent[name]?.status]).toEqual([name, 204]);
  });

  test("list of sessions and of profiles", async () => {
    const { json } = await one.server.call("GET", "/sessions");
    expect(json).toEqual({
      sessions: [
        {
          sessionId: one.sessionId,
          type: "claude-agent-sdk",
          agentProfileReference: "default",
          name: "Recorded",
          createdAt: TIME,
          lastActivity: TIME,
          sessionOptions: { model: "model-two" },
          metadata: { mine: true },
          runtime: expect.objectContaining({ isLoaded: true }) as object,
          activity: "idle",
          sessionMetadata: (await one.server.state(one.sessionId)).sessionMetadata,
        },
      ],
    });
    const profiles = await one.server.call("GET", "/agent-profiles");
    expect(profiles.json).toEqual({
      profiles: [{ id: "default", name: "Default Agent", description: "For the test." }],
    });
  });

  test("the list says what goes on in a session and what it has cost, also where nobody has it in memory", () => {
    const [busy, unloaded] = [one.listed.busy, one.listed.unloaded].map(({ json }) => json.sessions[0] as object);
    expect(busy).toMatchObject({ activity: "running", sessionMetadata: { costUSD: NUMBER, model: TEXT } });
    expect(unloaded).toMatchObject({
      activity: "idle",
      runtime: { isLoaded: false },
      sessionMetadata: { ...one.unloaded.sessionMetadata, costUSD: one.done.sessionMetadata.costUSD },
    });
    expect(one.done.sessionMetadata.costUSD).toBeGreaterThan(0);
  });

  test("who watches the list sees it as it becomes", async () => {
    const told = one.watcher.frames.flatMap(({ event, data }) =>
      event === "sessions:updated" ? [data["session"] as SessionListItem] : [],
    );
    const activities = told.map(({ activity }) => activity).filter((now, index, all) => now !== all[index - 1]);
    expect(activities).toEqual(expect.arrayContaining(["queued", "running", "idle"]));
    expect(activities.at(-1)).toBe("idle");
    const costs = told.map(({ sessionMetadata }) => sessionMetadata?.costUSD ?? Number.NaN);
    expect(costs.toSorted((a, b) => a - b)).toEqual(costs);
    const { json } = await one.server.call("GET", "/sessions");
    expect(told.at(-1)).toEqual(json.sessions[0]);
  });

  test("the sandbox: how it is, those before it, and what its runner wrote", async () => {
    const { json: busy } = one.sandbox.busy;
    const first = { sandboxId: TEXT, startedAt: TIME };
    expect(busy).toEqual({
      sandbox: expect.objectContaining({ sandboxId: TEXT, status: "ready", restartCount: 0 }) as object,
      provider: "local",
      generations: [{ ...first, status: "ready" }],
      log: { lines: expect.arrayContaining([expect.stringContaining("runner: starts")]) as string[] },
    });
    const { json: unloaded } = one.sandbox.unloaded;
    const ended = { ...first, endedAt: TIME, status: "terminated", statusMessage: "The session was unloaded." };
    expect(unloaded).toEqual({
      sandbox: one.unloaded.runtime.sandbox,
      generations: [ended],
      log: { lines: [], reason: expect.stringContaining("No sandbox of it runs") as string },
    });
    const { json: now } = await one.server.call("GET", `/sessions/${one.sessionId}/sandbox`);
    expect(now.generations).toEqual([ended, { ...first, status: "ready" }]);
    expect(now.generations).toEqual((await one.server.state(one.sessionId)).sandboxes);
    expect((await one.server.call("GET", "/sessions/none/sandbox")).status).toBe(404);
  });

  test("pages of blocks, whole", async () => {
    const base = `/sessions/${one.sessionId}/blocks`;
    const last = (await one.server.call("GET", `${base}?limit=2`)).json;
    expect(last.blocks).toHaveLength(2);
    const earlier = (await one.server.call("GET", `${base}?limit=500&before=${last.before}`)).json;
    expect(earlier).not.toHaveProperty("before");
    const blocks = [...earlier.blocks, ...last.blocks] as ConversationBlock[];
    expect(blocks.map(({ id }) => id)).toEqual((await one.server.state(one.sessionId)).blocks.map(({ id }) => id));
    expect(blocks.find((block) => block.type === "assistant_text" && block.content === LONG_TEXT)).toBeDefined();
    const { subagents } = one.done;
    const help = (await one.server.call("GET", `${base}?conversation=${subagents[0]?.id}`)).json;
    expect(help.blocks).toEqual(subagents[0]?.blocks);
  });

  test("files: list, bytes, links never followed", async () => {
    const base = `/sessions/${one.sessionId}/files`;
    const { files } = (await one.server.call("GET", base)).json as { files: { path: string }[] };
    const byPath = Object.fromEntries(files.map((file) => [file.path, file]));
    expect(Object.keys(byPath).toSorted()).toEqual(["empty", "large.txt", "link", "made.txt", "odd", "seed/notes.txt"]);
    expect(byPath["made.txt"]).toMatchObject({
      path: "made.txt",
      type: "file",
      size: 4,
      sha256: HASH,
      mode: NUMBER,
      modifiedAt: TIME,
    });
    expect(byPath["link"]).toMatchObject({ type: "symlink", target: "made.txt" });
    expect(byPath["empty"]).toMatchObject({ type: "directory" });
    expect((await one.server.call("GET", `${base}/made.txt`)).json).toBe("one\n");
    expect((await one.server.call("GET", `${base}/large.txt`)).json).toBe("a".repeat(LARGE_FILE_BYTES));
    expect((await one.server.call("GET", `${base}/nothing`)).json).toMatchObject({
      status: 404,
      error: "file_not_found",
    });
  });
});
