import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { errors, said } from "../testing/runtime-under-test.ts";
import { profileBench, systemBlocks } from "./bench.ts";
import { recordFields } from "./field-results.ts";

recordFields("faults");

const HOST = "127.0.0.2";
let project: string;
const servers: Server[] = [];

/** A host that speaks no MCP, as `127.0.0.2:PORT`. */
async function listening(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, HOST);
  servers.push(server);
  await once(server, "listening");
  return `${HOST}:${(server.address() as AddressInfo).port}`;
}

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "faults-"));
});
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(project, { recursive: true, force: true });
});

const bundled = (
  name: string,
  more: { installCommand?: string; startCommand?: string; localProjectPath?: string },
) => ({
  name,
  description: "",
  localProjectPath: project,
  installCommand: "",
  startCommand: "true",
  ...more,
});

test("externalMCPs, bundledMCPs: hosts that speak something else, fall silent or refuse are named with the reason; the session goes on", async () => {
  const html = await listening((_request, response) => response.end("<html>Welcome!</html>"));
  const broken = await listening((_request, response) => response.writeHead(500).end("out of order"));
  const silent = await listening(() => undefined);
  const remote = (name: string, place: string) => ({ type: "http" as const, name, url: `http://${place}/mcp` });
  const missing = { secret: "MISSING", hosts: [`${HOST}:9`] };
  await using bench = await profileBench(
    {
      tools: ["Bash"],
      environmentVariables: { MCP_TIMEOUT: "2000" },
      bundledMCPs: [bundled("unstartable", { startCommand: "no-such-program --serve" })],
      externalMCPs: [
        remote("html", html),
        remote("broken", broken),
        remote("silent", silent),
        { type: "sse", name: "keyless", url: `https://${HOST}:9/sse`, headers: { Authorization: missing } },
      ],
    },
    { network: { allowedHosts: [html, broken, silent] }, secrets: () => undefined },
  );
  const first = await bench.play("Begin", { text: "Still here." });
  expect(first.requests[0]?.toolNames).toEqual(["Bash"]);
  expect(said(first.state)).toEqual(["Still here."]);
  const told = systemBlocks(first.state, "mcp_failed");
  const of = (name: string): string => told.find((text) => text.includes(`server ${name} `)) ?? told.join("\n");
  expect(of("unstartable")).toMatch(/did not start.*no-such-program/s);
  expect(of("html")).toMatch(/did not start/);
  expect(of("broken")).toMatch(/did not start.*(500|out of order)/s);
  expect(of("silent")).toMatch(/did not start.*timed out/s);
  expect(of("keyless")).toMatch(/did not start.*The secret MISSING has no value where the server runs/s);
  expect(told).toHaveLength(5);
});

test("subagents, skills, tools: one that is not there is an error of its call, which the agent is told; the session goes on", async () => {
  await using bench = await profileBench({
    tools: ["Bash"],
    skills: [{ name: "known", description: "Is there", skillMd: "known" }],
    subagents: [{ name: "known", description: "Is there", prompt: "known" }],
  });
  const agent = { description: "x", prompt: "x", subagent_type: "nobody" };
  const { results, state } = await bench.play(
    "Call what is not there",
    { tools: [{ name: "Agent", input: agent }] },
    { tools: [{ name: "Skill", input: { skill: "profile:nothing" } }] },
    { tools: [{ name: "mcp__none__tool", input: {} }] },
    { tools: [{ name: "Write", input: { file_path: "/workspace/a", content: "a" } }] },
    { text: "Still here." },
  );
  expect(results).toHaveLength(4);
  for (const [index, word] of ["nobody", "nothing", "mcp__none__tool", "Write"].entries())
    expect(results[index]).toContain(word);
  const failed = state.blocks.filter((block) => block.type === "tool_result" && block.isError === true);
  expect(failed).toHaveLength(4);
  expect([said(state), errors(state), state.workspaceFiles]).toEqual([["Still here."], [], []]);
});

test("bundledMCPs: an install that fails, and a project that is not there, end the turn by name", async () => {
  await using bench = await profileBench({
    bundledMCPs: [bundled("failing", { installCommand: "echo 'no compiler here' >&2; exit 3" })],
  });
  const { state } = await bench.play("Begin", { text: "never" });
  expect(errors(state)).toEqual(["environment_failed"]);
  const message = expect.stringMatching(/failing.*no compiler here/s) as string;
  expect(state.blocks.at(-1)).toMatchObject({ type: "error", message });
  expect(state.runtime.sandbox).toMatchObject({ status: "error", statusMessage: message });

  await using absent = await profileBench({
    bundledMCPs: [bundled("absent", { localProjectPath: "/no/such/folder" })],
  });
  const second = await absent.play("Begin", { text: "never" });
  expect(second.state.blocks.at(-1)).toMatchObject({
    type: "error",
    message: expect.stringMatching(/project absent.*localProjectPath.*\/no\/such\/folder/s) as string,
  });
});
