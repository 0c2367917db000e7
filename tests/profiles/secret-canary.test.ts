import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { createAgentClient } from "@hhopkins/agent-runtime-client";
import { startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { canaryScan, plantWord } from "../testing/canary-scan.ts";
import { certificateFor } from "../testing/certificate.ts";
import { bash, prompt } from "../testing/prompts.ts";
import { API_KEY } from "../testing/runtime-under-test.ts";
import { endSandboxes, startServerProcess, type ServerProcess } from "../testing/server-process.ts";
import { recordFields } from "./field-results.ts";
import { HOST, startRemoteServer, type RemoteServer } from "./remote-servers.ts";

recordFields("secrets");

/** One for each place that a profile may name a secret in. Their characters are others in addresses and in JSON. */
const SECRETS = {
  VARIABLE: 'var/canary+7f3a?"9c51"&d2=',
  SERVER: 'env/canary+41bd?"77e0"&a9=',
  HEADER: 'hdr/canary+93ce?"05f8"&b4=',
};
const LOGIN = `x-access-token:${SECRETS.VARIABLE}`;
/** What nobody inside may see, and nothing outside may keep. */
const WORDS = Object.values(SECRETS).flatMap((value) => [
  value,
  quoted(value),
  quoted(quoted(value)),
  quoted(quoted(quoted(value))),
  encodeURIComponent(value),
  Buffer.from(value).toString("base64").replace(/=+$/, ""),
]);
/** The part of git's login that is the secret's. */
const LOGIN_WORD = Buffer.from(LOGIN).toString("base64").slice(24, 44);
const PLANTED = `planted-word-${"9e1f".repeat(3)}`;

const tls = certificateFor(HOST);
const NO_OPENSSL = "openssl is not there, so there is no certificate for an HTTPS server";

let model: ScriptedModel;
let remote: RemoteServer;
let host: Server;
let folder: string;
let server: ServerProcess;
let sessionId: string;
/** What the host was told: one line a request. */
const told: string[] = [];
/** What the outside says: answers of REST, frames of both kinds of streams. */
const heard: string[] = [];

beforeAll(async () => {
  if (tls === null) return;
  model = await startScriptedModel();
  remote = await startRemoteServer({ kind: "http", tls, authorization: `Bearer ${SECRETS.HEADER}` });
  host = createServer(tls, ({ url = "", headers }, response) => {
    told.push(JSON.stringify([url, headers.authorization, headers["x-key"]]));
    response.writeHead(url.includes("refused") ? 403 : 200, { "x-you-said": headers.authorization ?? "" });
    response.end(`you said ${JSON.stringify(headers)} ${encodeURIComponent(headers.authorization ?? "")}\n`);
  }).listen(0, HOST);
  await once(host, "listening");
  folder = mkdtempSync(join(tmpdir(), "secret-canary-"));
  mkdirSync(join(folder, "profiles/canary/workspace/tools"), { recursive: true });
  const inside = (path: string): string => join(folder, "profiles/canary", path);
  writeFileSync(
    inside("workspace/tools/server.mjs"),
    readFileSync(join(import.meta.dirname, "counting-server.mjs"), "utf8"),
  );
  writeFileSync(inside("profile.json"), JSON.stringify(profile()));
  const ca = join(folder, "ca.pem");
  writeFileSync(ca, tls.cert);
  server = await startServerProcess({
    folder,
    modelUrl: model.url,
    flags: ["--profiles", "profiles", "--log-level", "debug", "--bound-secrets", `VARIABLE=${place()}`],
    environment: {
      NODE_EXTRA_CA_CERTS: ca,
      AGENT_RUNTIME_SECRET_VARIABLE: SECRETS.VARIABLE,
      AGENT_RUNTIME_SECRET_SERVER: SECRETS.SERVER,
      // A header's value is the whole of it.
      AGENT_RUNTIME_SECRET_HEADER: `Bearer ${SECRETS.HEADER}`,
    },
  });
  sessionId = await created("canary");
}, 120_000);
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  if (folder !== undefined) await endSandboxes(folder);
  await remote?.[Symbol.asyncDispose]();
  host?.close();
  await model?.close();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

function place(): string {
  return `${HOST}:${(host.address() as AddressInfo).port}`;
}

function profile(): object {
  return {
    name: "With secrets in every place",
    tools: ["Bash"],
    model: "claude-sonnet-4-5",
    environmentVariables: {
      // The second host is not among those that the secret is bound to, the third is nobody's.
      TOKEN: { secret: "VARIABLE", hosts: [place(), remote.place] },
      CLOSED: { secret: "CLOSED", hosts: [`${HOST}:9`] },
      PLACE: place(),
    },
    externalMCPs: [
      {
        name: "local",
        command: "node",
        args: ["tools/server.mjs", "asking"],
        env: { KEY: { secret: "SERVER", hosts: [place()] }, PLACE: place() },
      },
      {
        type: "http",
        name: "remote",
        url: `https://${remote.place}/mcp`,
        headers: { Authorization: { secret: "HEADER", hosts: [remote.place] } },
      },
    ],
  };
}

/** Status and body of an answer, whose text is kept for the look. */
async function ask(method: string, path: string, body?: unknown): Promise<{ status: number; text: string }> {
  const response = await server.request(method, path, body);
  const bytes = Buffer.from(await response.arrayBuffer());
  const text = bytes.subarray(0, 2).equals(Buffer.from([0x1f, 0x8b])) ? gunzipSync(bytes).toString() : bytes.toString();
  heard.push(text, JSON.stringify([...response.headers]));
  return { status: response.status, text };
}

async function created(agentProfileRef: string): Promise<string> {
  const { text } = await ask("POST", "/sessions/create", { agentProfileRef, architecture: "claude-agent-sdk" });
  return (JSON.parse(text) as { sessionId: string }).sessionId;
}

/** As JSON has it. */
function quoted(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

let turns = 0;
/** Contents of the tools' results of a turn. */
async function results(...tools: { name: string; input: Record<string, unknown> }[]): Promise<string[]> {
  turns += 1;
  const before = new Set((await server.state(sessionId)).blocks.map(({ id }) => id));
  const content = prompt(`turn ${turns}`, ...tools.map((tool) => ({ tools: [tool] })), { text: `done ${turns}` });
  expect((await ask("POST", `/sessions/${sessionId}/message`, { content })).status).toBe(202);
  const state = await server.until(
    sessionId,
    ({ turn, queue, blocks }) =>
      turn === null && queue.length === 0 && blocks.filter(({ type }) => type === "user_message").length === turns,
  );
  return state.blocks.flatMap((block) =>
    block.type === "tool_result" && !before.has(block.id) ? [block.content] : [],
  );
}

test("environmentVariables, externalMCPs: secrets arrive at their hosts, from variables, env and headers; hosts that repeat them repeat stars", async ({
  skip,
}) => {
  if (tls === null) return skip(NO_OPENSSL);
  const client = createAgentClient({ baseUrl: server.url, apiKey: API_KEY });
  const following = client.follow(sessionId, { onEvent: (event) => heard.push(JSON.stringify(event)) });
  const url = `$AGENT_RUNTIME_HOSTS_URL/${place()}`;
  const [curl, git, local, counted, repeated] = await results(
    bash(`curl -si -H "Authorization: Bearer $TOKEN" "${url}/curl"`),
    bash(`git ls-remote https://${place()}/repo.git 2>&1; echo "[$TOKEN]"`),
    { name: "mcp__local__count", input: {} },
    { name: "mcp__remote__count", input: {} },
    { name: "mcp__remote__repeat", input: {} },
  );
  following.stop();
  const sent = told.map((line) => JSON.parse(line) as [string, string | undefined, string | undefined]);
  expect(sent.find(([path]) => path === "/curl")?.[1]).toBe(`Bearer ${SECRETS.VARIABLE}`);
  expect(sent.find(([path]) => path.startsWith("/repo.git"))?.[1]).toBe(
    `Basic ${Buffer.from(LOGIN).toString("base64")}`,
  );
  expect(sent.find(([path]) => path === "/asked")?.[2]).toBe(SECRETS.SERVER);
  expect([...remote.authorizations]).toEqual([`Bearer ${SECRETS.HEADER}`]);
  expect(counted).toBe("far call 1");
  const stars = "*".repeat(SECRETS.VARIABLE.length);
  expect(curl).toContain(`x-you-said: Bearer ${stars}`);
  expect(curl).toContain(`"authorization":"Bearer *`);
  expect(git).toContain("[gateway-secret.VARIABLE.value]");
  expect(local).toContain('x-key\\":\\"***');
  expect(repeated).toContain('"authorization":"***');
});

test("environmentVariables, externalMCPs: a wrong host, one that refuses and one that is not there get nothing and tell nothing", async ({
  skip,
}) => {
  if (tls === null) return skip(NO_OPENSSL);
  const curl = (path: string, variable: string) =>
    bash(`curl -s -H "Authorization: Bearer $${variable}" "$AGENT_RUNTIME_HOSTS_URL/${path}" 2>&1`);
  const before = { told: told.length, calls: remote.calls.count };
  const [wrong, unbound, none, closed, refused] = await results(
    curl("example.com/", "TOKEN"),
    curl(`${remote.place}/mcp`, "TOKEN"),
    curl(`${place()}/x`, "CLOSED"),
    curl(`${HOST}:9/`, "PLACE"),
    curl(`${place()}/refused`, "TOKEN"),
  );
  expect(wrong).toContain("No secret of this session is meant for example.com:443");
  // The profile names that host, and the operator has bound the secret to another one.
  expect(unbound).toContain("The secret VARIABLE has no value where the server runs, or is not meant for this host");
  expect(none).toContain("The secret CLOSED has no value where the server runs, or is not meant for this host");
  expect(closed).toContain("cannot be reached");
  expect(refused).toContain("you said");
  expect(told.slice(before.told).map((line) => (JSON.parse(line) as string[])[0])).toEqual(["/refused"]);
  expect(remote.calls.count).toBe(before.calls);
});

test(
  "environmentVariables, externalMCPs: no secret is inside: variables, arguments, memory, files, transcripts",
  { timeout: 400_000 },
  async ({ skip }) => {
    if (tls === null) return skip(NO_OPENSSL);
    const scan = bash(canaryScan({ words: [...WORDS, LOGIN_WORD, PLANTED], pids: [], folders: ["/"] }));
    scan.input["timeout"] = 600_000;
    const [, said = ""] = await results(bash(plantWord(PLANTED)), scan);
    expect(said).toContain("end of the scan");
    const found = said.split("\n").filter((line) => line.startsWith("found "));
    const planted = `found ${PLANTED.slice(0, 4)}...${PLANTED.slice(-2)} in `;
    expect(found.filter((line) => !line.startsWith(planted))).toEqual([]);
    // It was a real look, into other processes too.
    for (const where of ["environ of sleep", "memory of python3", "file /tmp/planted-word"])
      expect(found.join("\n"), said).toContain(`${planted}${where}`);
    const read = said.split("\n").filter((line) => line.startsWith("read: memory of "));
    expect(read.length, said).toBeGreaterThanOrEqual(4);
  },
);

test("environmentVariables, externalMCPs: no secret is in state, lists, profiles, frames, errors, archives, the server's log, the store", async ({
  skip,
}) => {
  if (tls === null) return skip(NO_OPENSSL);
  const made = {
    ...profile(),
    id: "made",
    externalMCPs: [],
    environmentVariables: { T: { secret: "VARIABLE", hosts: [place()] } },
  };
  expect((await ask("POST", "/agent-profiles", made)).status).toBe(201);
  const greedy = { ...made, id: "greedy", environmentVariables: { T: { secret: "HEADER", hosts: ["mine.example"] } } };
  expect((await ask("POST", "/agent-profiles", greedy)).status).toBe(403);
  expect((await ask("POST", "/agent-profiles", { ...made, nonsense: 1 })).status).toBe(400);
  expect((await ask("GET", "/agent-profiles/canary")).text).toContain('"secret":"HEADER"');
  for (const path of ["/sessions", "/agent-profiles", "/ready", "/health", "/openapi.json"])
    expect((await ask("GET", path)).status).toBe(200);
  for (const part of ["", "/blocks", "/files", "/network", "/events?after=0&follow=false", "/export", "/archive"])
    expect((await ask("GET", `/sessions/${sessionId}${part}`)).status, part).toBe(200);
  await ask("POST", `/sessions/${sessionId}/unload`);
  await server.end("SIGTERM");

  const kept = [server.output(), ...heard];
  const files = readdirSync(join(folder, "data"), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  for (const { parentPath, name } of files) kept.push(readFileSync(join(parentPath, name)).toString("latin1"));
  const all = kept.join("\n");
  for (const word of [...WORDS, LOGIN_WORD]) expect(all.includes(word), word.slice(0, 12)).toBe(false);
  // It was a real look: what the log says of these turns is there, in the frames, the store and the archive.
  for (const where of [heard.join(""), all]) expect(where).toContain("gateway-secret.VARIABLE.value");
  expect(files.some(({ name }) => name.endsWith(".db"))).toBe(true);
});
