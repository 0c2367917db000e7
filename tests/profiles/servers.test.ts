import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bash } from "../testing/prompts.ts";
import { certificateFor } from "../testing/certificate.ts";
import { said } from "../testing/runtime-under-test.ts";
import { profileBench, sent, systemBlocks, type ProfileBench } from "./bench.ts";
import { recordFields } from "./field-results.ts";
import { HOST, startRemoteServer, type RemoteServer } from "./remote-servers.ts";

recordFields("servers");

const SERVER = join(import.meta.dirname, "counting-server.mjs");
const VALUE = "mcp_canary_of_the_secret_71bd";
const trusted = getCACertificates("default");
const tls = certificateFor(HOST);
const NO_OPENSSL = "openssl is not there, so there is no certificate for an HTTPS server";

/** The server's file in the workspace, where the harness starts what is not bundled. */
const defaultWorkspaceFiles = [{ path: "tools/server.mjs", content: readFileSync(SERVER, "utf8") }];

const call = (server: string): { name: string; input: Record<string, unknown> } => ({
  name: `mcp__${server}__count`,
  input: {},
});

let project: string;
let plain: RemoteServer;
let events: RemoteServer | undefined;
let bench: ProfileBench;

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), "bundled-"));
  cpSync(SERVER, join(project, "server.mjs"));
  plain = await startRemoteServer({ kind: "http" });
  if (tls !== null) {
    setDefaultCACertificates([...trusted, tls.cert]);
    events = await startRemoteServer({ kind: "sse", tls, authorization: `Bearer ${VALUE}` });
  }
  const secret = (place: string): object => ({ secret: "FAR", hosts: [place] });
  const remote =
    events === undefined
      ? []
      : [{ type: "sse", name: "events", url: `https://${events.place}/sse`, headers: { "X-Plain": "a" } }];
  bench = await profileBench(
    {
      tools: ["Bash"],
      defaultWorkspaceFiles,
      environmentVariables: { REGION: "eu" },
      bundledMCPs: [
        {
          name: "bundle.one",
          description: "Counts what is in the PROJECT",
          localProjectPath: project,
          installCommand: "echo 'the install ran' > installed.txt",
          startCommand: "cat installed.txt >&2 && node server.mjs bundled",
        },
      ],
      externalMCPs: [
        {
          name: "local",
          command: "node",
          args: ["tools/server.mjs", "count"],
          env: { SETTING: "of the server", KEY: { secret: "FAR", hosts: ["api.example.com"] } },
        },
        { type: "http", name: "plain", url: `http://${plain.place}/mcp` },
        ...remote.map((server) => ({
          ...server,
          headers: { ...server.headers, Authorization: secret(events?.place ?? "") },
        })),
      ] as never,
    },
    {
      network: { allowedHosts: [plain.place] },
      secrets: () => `Bearer ${VALUE}`,
    },
  );
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await plain[Symbol.asyncDispose]();
  await events?.[Symbol.asyncDispose]();
  setDefaultCACertificates(trusted);
  rmSync(project, { recursive: true });
});

test("bundledMCPs: installed, started in its own folder, offered and called; what it says is kept", async () => {
  const log = 'cat "$HOME/.agent-runtime/mcp/bundle.one.log"; echo "$AGENT_RUNTIME_ENVIRONMENT"';
  const { requests, results } = await bench.play(
    "Count",
    { tools: [call("bundle_one")] },
    { tools: [call("bundle_one")] },
    { tools: [bash(log)] },
    { text: "done" },
  );
  expect(requests[0]?.toolNames).toContain("mcp__bundle_one__count");
  expect(sent(requests[0])).toContain("COUNTS calls, bundled");
  expect(sent(requests[0])).toContain("bundle.one (tools mcp__bundle_one__…): Counts what is in the PROJECT");
  const [first, second] = results.slice(0, 2).map((text) => JSON.parse(text) as Record<string, unknown>);
  const installed = /\n(\/\S+)\s*$/.exec(results[2] ?? "")?.[1];
  expect(first).toMatchObject({ calls: 1, cwd: `${installed}/projects/bundle.one`, REGION: "eu" });
  expect(second).toMatchObject({ calls: 2 });
  expect(results[2]).toContain("the install ran\nthe server speaks: bundled");
});

test("externalMCPs: one of standard input and output has its arguments and variables, secrets as stand-ins", async () => {
  const { requests, results } = await bench.play("Count", { tools: [call("local")] }, { text: "done" });
  expect(requests[0]?.toolNames).toContain("mcp__local__count");
  expect(JSON.parse(results[0] ?? "")).toMatchObject({
    calls: 1,
    cwd: "/workspace",
    SETTING: "of the server",
    KEY: "gateway-secret.FAR.value",
    hosts: true,
  });
});

test("externalMCPs: one by http is reached where its host is allowed, and counts the call", async () => {
  const { requests, results } = await bench.play("Count", { tools: [call("plain")] }, { text: "done" });
  expect(requests[0]?.toolNames).toContain("mcp__plain__count");
  expect(results).toEqual(["far call 1"]);
  expect(plain.calls.count).toBe(1);
});

test("externalMCPs: one by sse has the secret in its headers, which the agent never sees", async ({ skip }) => {
  if (events === undefined) return skip(NO_OPENSSL);
  const look =
    "env; cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'; grep -rl mcp_canary /workspace \"$HOME\" /tmp";
  const { requests, results, state } = await bench.play(
    "Count",
    { tools: [call("events")] },
    { tools: [bash(look)] },
    { text: "done" },
  );
  expect(requests[0]?.toolNames).toContain("mcp__events__count");
  expect(results[0]).toBe("far call 1");
  expect(events.calls.count).toBe(1);
  expect([...events.authorizations]).toEqual([`Bearer ${VALUE}`]);
  const kept = [JSON.stringify(state), JSON.stringify(bench.server.logs), ...results, ...requests.map(sent)];
  expect(kept.join("\n")).not.toContain(VALUE);
});

test("bundledMCPs, externalMCPs: no complaint where all is well, also in a new sandbox", async () => {
  await bench.server.request("POST", `/sessions/${bench.sessionId}/unload`);
  const { results, state } = await bench.play(
    "Again",
    { tools: [call("bundle_one"), call("local"), call("plain")] },
    { text: "done" },
  );
  expect(results.map((text) => (text.startsWith("{") ? (JSON.parse(text) as { calls: number }).calls : text))).toEqual([
    1,
    1,
    "far call 2",
  ]);
  expect(systemBlocks(state, "mcp_failed")).toEqual([]);
});

test("externalMCPs: what does not start, answers garbage or dies is named with its last words; the session goes on", async () => {
  await using broken = await profileBench({
    tools: ["Bash"],
    defaultWorkspaceFiles,
    environmentVariables: { MCP_TIMEOUT: "1500" },
    externalMCPs: [
      { name: "absent", command: "no-such-program" },
      { name: "garbage", command: "node", args: ["tools/server.mjs", "garbage"] },
      { name: "mortal", command: "node", args: ["tools/server.mjs", "mortal"] },
      { name: "fine", command: "node", args: ["tools/server.mjs", "count"] },
      { type: "http", name: "forbidden", url: "http://127.0.0.2:9/mcp" },
    ],
  });
  const { state, results, requests } = await broken.play(
    "Try",
    { tools: [call("mortal")] },
    { tools: [call("fine")] },
    { text: "Still here." },
  );
  expect(requests[0]?.toolNames?.toSorted()).toEqual(["Bash", "mcp__fine__count", "mcp__mortal__count"]);
  expect(JSON.parse(results[1] ?? "")).toMatchObject({ calls: 1 });
  expect(said(state)).toEqual(["Still here."]);
  const told = systemBlocks(state, "mcp_failed");
  expect(told.find((text) => text.includes("server absent"))).toMatch(/did not start: .*no-such-program/s);
  expect(told.find((text) => text.includes("server garbage"))).toMatch(/timed out.*the server speaks: garbage/s);
  expect(told.find((text) => text.includes("server mortal"))).toMatch(
    /broke off \(Connection closed, exit code 7\).*out of breath/s,
  );
  expect(told.find((text) => text.includes("server forbidden"))).toMatch(
    /did not start: it was refused .* sandbox may reach/,
  );
  expect(told).toHaveLength(4);
  const again = await broken.play("Again", { tools: [call("fine")] }, { text: "Fine." });
  expect(JSON.parse(again.results[0] ?? "")).toMatchObject({ calls: 2 });
  expect(systemBlocks(again.state, "mcp_failed")).toHaveLength(4);
});

test("externalMCPs: a call without an answer, and a server that goes away, are named; both can be called again", async () => {
  const far = await startRemoteServer({ kind: "http" });
  await using broken = await profileBench(
    {
      tools: ["Bash"],
      defaultWorkspaceFiles,
      environmentVariables: { MCP_TOOL_TIMEOUT: "1500" },
      externalMCPs: [
        { name: "mute", command: "node", args: ["tools/server.mjs", "mute"] },
        { type: "http", name: "far", url: `http://${far.place}/mcp` },
      ],
    },
    { network: { allowedHosts: [far.place] } },
  );
  const first = await broken.play("Try", { tools: [call("far")] }, { tools: [call("mute")] }, { text: "Still here." });
  expect(first.results[0]).toBe("far call 1");
  expect(said(first.state)).toEqual(["Still here."]);
  const [mute] = systemBlocks(first.state, "mcp_failed");
  expect(mute).toMatch(/server mute broke off .*timed out.*I say no more/s);
  await far[Symbol.asyncDispose]();
  const second = await broken.play("Again", { tools: [call("far")] }, { text: "Still here." });
  expect(systemBlocks(second.state, "mcp_failed")[1]).toMatch(/server far broke off .*ECONNREFUSED/);
  expect(said(second.state)).toHaveLength(2);
});
