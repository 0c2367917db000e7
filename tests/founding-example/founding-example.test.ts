import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { foundingDocument, typescriptBelow } from "./document.ts";
import { installPacked } from "./packed-packages.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const document = foundingDocument();
const ABSENT = "the founding document is not beside this clone";

const PACKAGES = ["protocol", "runner", "runtime", "client", "react", "testkit"];

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "founding-example-"));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  await installPacked(folder, PACKAGES);
  if (document === null) return;
  await writeFile(join(folder, "server.ts"), typescriptBelow(document, "Minimal Server Example"));
  const declared =
    'import type { AgentRuntime } from "@hhopkins/agent-runtime";\ndeclare const runtime: AgentRuntime;\ndeclare const sessionId: string;\n';
  await writeFile(join(folder, "manager.ts"), declared + typescriptBelow(document, "SessionManager Access"));
}, 600_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

let output: Promise<string> | undefined;

/** What the compiler says under `--strict` and no other strictness of ours; lines about the other file are left out. */
async function compiled(file: string, other: string): Promise<string> {
  const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2024", "--types", "node"];
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  output ??= run(process.execPath, [compiler, ...options, "server.ts", "manager.ts"], { cwd: folder }).then(
    ({ stdout }) => stdout,
    (error: { stdout: string }) => error.stdout,
  );
  return (await output)
    .split("\n")
    .filter((line) => !line.startsWith(other))
    .join("\n");
}

test("every entry point of the packed packages can be imported in plain Node", async () => {
  const entries = PACKAGES.flatMap((name) => {
    const manifest = JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8")) as {
      name: string;
      exports: object;
    };
    return Object.keys(manifest.exports).map((path) => `${manifest.name}${path.slice(1)}`);
  });
  // The bundle is a program: importing it would start a runner.
  const libraries = entries.filter((entry) => !entry.endsWith("/bundle"));
  expect(libraries).toContain("@hhopkins/agent-runtime/persistence/sqlite");
  const program = `for (const entry of ${JSON.stringify(libraries)}) console.log(entry, Object.keys(await import(entry)).length > 0)`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", program], { cwd: folder });
  expect(stdout.trimEnd().split("\n")).toEqual(libraries.map((entry) => `${entry} true`));
});

test("the packed package brings the SQL files for Supabase", async () => {
  const program = `import { copySupabaseMigrations } from "@hhopkins/agent-runtime/persistence/supabase";
    console.log((await copySupabaseMigrations("migrations")).length);`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", program], { cwd: folder });
  expect(Number(stdout)).toBeGreaterThan(3);
  expect(readdirSync(join(folder, "migrations"))).toHaveLength(Number(stdout));
});

test("the packed package brings the functions for Convex", async () => {
  const program = `import { copyConvexFunctions } from "@hhopkins/agent-runtime/persistence/convex";
    console.log(copyConvexFunctions({ folder: "convex/agentRuntime" }).written.length);`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", program], { cwd: folder });
  expect(Number(stdout)).toBeGreaterThan(10);
  expect(readdirSync(join(folder, "convex/agentRuntime"))).toHaveLength(Number(stdout));
});

describe("the founding document", () => {
  test("its Minimal Server Example type-checks as printed", async (context) => {
    if (document === null) return context.skip(ABSENT);
    expect(await compiled("server.ts", "manager.ts")).toBe("");
  });

  test("its SessionManager snippet type-checks where runtime and sessionId are declared", async (context) => {
    if (document === null) return context.skip(ABSENT);
    expect(await compiled("manager.ts", "server.ts")).toBe("");
  });

  test("its Minimal Server Example runs as printed: six routes, a clear error without an account, a clean end", async (context) => {
    if (document === null) return context.skip(ABSENT);
    const command = await commandWithPort(3001);
    if (command === null)
      return context.skip(
        "port 3001, which the example names, is taken, and there is no bubblewrap to have a network apart",
      );
    const environment = {
      PATH: process.env["PATH"] ?? "",
      HOME: folder,
      MODAL_TOKEN_ID: "ak-dummy",
      MODAL_TOKEN_SECRET: "as-dummy",
      ANTHROPIC_API_KEY: "sk-dummy",
    };
    const [file = "", ...before] = command;
    const { stdout } = await run(file, [...before, process.execPath, join(import.meta.dirname, "visit.ts")], {
      cwd: folder,
      env: environment,
      timeout: 100_000,
    });
    const seen = JSON.parse(stdout) as Record<
      string,
      { status: number; json: Record<string, unknown>; type: string }
    > & {
      said: string;
      code: number;
      seen: { ack?: number; event?: string; seq?: number; data: Record<string, unknown> }[];
    };
    expect(seen.said).toBe("Server running on http://localhost:3001");
    expect(seen["health"]).toMatchObject({ status: 200, json: { status: "ok" } });
    expect(seen["refused"]).toMatchObject({
      status: 401,
      type: "application/problem+json",
      json: { error: "unauthorized" },
    });
    expect(seen["profiles"]).toMatchObject({
      status: 200,
      json: { profiles: [{ id: "default", name: "Default Agent" }] },
    });
    const sessionId = expect.any(String) as string;
    const session = {
      sessionId,
      type: "claude-agent-sdk",
      agentProfileReference: "default",
      createdAt: expect.any(String) as string,
    };
    expect(seen["created"]).toMatchObject({ status: 201, json: { ...session, runtime: { sandbox: null } } });
    expect(seen["sent"]).toMatchObject({
      status: 202,
      json: { success: true, sessionId, messageId: expect.any(String) as string },
    });
    const code = expect.stringMatching(/^sandbox_(credentials|unavailable)$/) as string;
    const blocks = [
      { type: "user_message", content: "Hello" },
      { type: "error", code, message: expect.stringContaining("Modal") as string },
    ];
    expect(seen["session"]).toMatchObject({
      status: 200,
      json: { ...session, blocks, turn: null, runtime: { sandbox: { status: "error" } } },
    });
    expect(seen["listed"]).toMatchObject({ status: 200, json: { sessions: [session] } });
    expect(seen["unknown"]).toMatchObject({ status: 404, json: { error: "session_not_found" } });
    expect(seen["afterwards"]).toMatchObject({ status: 200 });
    expect(seen.seen[0]).toMatchObject({ ack: 1, data: { success: true } });
    expect(seen.seen.slice(1).map(({ seq }) => seq)).toEqual(seen.seen.slice(1).map((_, index) => index + 1));
    expect(seen.seen.at(-1)).toMatchObject({
      event: "session:turn:completed",
      data: { status: "failed", error: { code } },
    });
    expect(seen.seen.map(({ event }) => event)).toEqual(
      expect.arrayContaining(["session:status", "session:block:start", "session:block:complete", "error"]),
    );
    expect(seen.code).toBe(0);
  });
});

describe("on Modal's stand-in", () => {
  test("the founding document's example does its whole job without a change to its text", async (context) => {
    if (document === null) return context.skip(ABSENT);
    const command = await commandWithPort(3001);
    if (command === null)
      return context.skip("port 3001, which the example names, is taken, and there is no bubblewrap");
    const [file = "", ...before] = command;
    const { stdout } = await run(file, [...before, process.execPath, join(import.meta.dirname, "visit-on-modal.ts")], {
      cwd: folder,
      env: { PATH: process.env["PATH"] ?? "", HOME: folder },
      timeout: 110_000,
      maxBuffer: 64 * 1024 * 1024,
    });
    const seen = JSON.parse(stdout) as {
      session: { status: number; json: Record<string, unknown> & { blocks: { type: string }[] } };
      seen: { seq?: number; event?: string; data: Record<string, unknown> }[];
      sent: { status: number };
      listed: { json: { sessions: unknown[] } };
      modal: { unknownCalls: string[]; apps: string[]; sandboxes: { session: string; state: string }[] };
      keySeen: boolean;
      code: number;
    };
    expect(seen.sent.status).toBe(202);
    expect(seen.session.json).toMatchObject({
      turn: null,
      runtime: { sandbox: { status: "ready" } },
      workspaceFiles: [{ path: "report.md", content: "# Report\n" }],
    });
    expect(seen.session.json.blocks.map(({ type }) => type)).toEqual([
      "user_message",
      "thinking",
      "assistant_text",
      "tool_use",
      "tool_result",
      "tool_use",
      "tool_result",
      "assistant_text",
    ]);
    expect(seen.session.json.blocks.at(-1)).toMatchObject({ content: "All is done." });
    expect(seen.seen.slice(1).map(({ seq }) => seq)).toEqual(seen.seen.slice(1).map((_, index) => index + 1));
    expect(seen.seen.at(-1)).toMatchObject({ event: "session:turn:completed", data: { status: "completed" } });
    expect(seen.listed.json.sessions).toHaveLength(1);
    expect(seen.keySeen).toBe(false);
    expect(seen.modal).toMatchObject({ unknownCalls: [], apps: ["my-agent-app"] });
    expect(seen.modal.sandboxes).toMatchObject([{ session: seen.session.json["sessionId"] }]);
    expect(seen.code).toBe(0);
  });
});

/** How to run a program so that this port is free for it: in a network of its own, else as it is; null: it is taken. */
async function commandWithPort(port: number): Promise<string[] | null> {
  const apart = ["bwrap", "--dev-bind", "/", "/", "--unshare-net", "--die-with-parent", "--"];
  if (
    await run("bwrap", [...apart.slice(1), "true"]).then(
      () => true,
      () => false,
    )
  )
    return apart;
  const probe = createServer().listen(port);
  const free = await Promise.race([
    once(probe, "listening").then(() => true),
    once(probe, "error").then(() => false),
  ]).catch(() => false);
  probe.close();
  return free ? ["env"] : null;
}
