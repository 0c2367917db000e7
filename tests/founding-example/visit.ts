// Starts the founding document's server in this folder, uses it as its reader would, and prints what it saw as JSON.
// The message that it sends is `VISIT_MESSAGE`, or "Hello".
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const URL_AS_PRINTED = "http://127.0.0.1:3001";
const KEY = "your-api-key";

const server = spawn(process.execPath, ["server.ts"], { stdio: ["ignore", "pipe", "inherit"] });
const exited = once(server, "exit");

async function saidThatItRuns(): Promise<string> {
  for await (const line of createInterface({ input: server.stdout }))
    if (line.startsWith("Server running")) return line;
  throw new Error("the server ended");
}

async function ask(method: string, path: string, { body, key = KEY }: { body?: object; key?: string | null } = {}) {
  const response = await fetch(`${URL_AS_PRINTED}${path}`, {
    method,
    headers: {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return {
    status: response.status,
    type: response.headers.get("content-type"),
    json: (await response.json()) as Record<string, unknown>,
  };
}

/** Joins over a WebSocket and gathers frames until the turn is over. */
async function follow(sessionId: string): Promise<unknown[]> {
  const token = `bearer.${Buffer.from(KEY).toString("base64url")}`;
  const socket = new WebSocket(URL_AS_PRINTED.replace("http", "ws"), ["agent-runtime.v1", token]);
  const frames: { event?: string }[] = [];
  const over = new Promise<void>((resolve, reject) => {
    socket.addEventListener("message", ({ data }) => {
      const frame = JSON.parse(String(data)) as { event?: string };
      frames.push(frame);
      if (frame.event === "session:turn:completed") resolve();
    });
    socket.addEventListener("error", () => reject(new Error("the WebSocket failed")));
  });
  socket.addEventListener("open", () =>
    socket.send(JSON.stringify({ id: 1, event: "session:join", data: { sessionId } })),
  );
  await over;
  socket.close();
  return frames;
}

async function visit(): Promise<object> {
  const said = await saidThatItRuns();
  const health = await ask("GET", "/health", { key: null });
  const refused = await ask("GET", "/sessions", { key: null });
  const profiles = await ask("GET", "/agent-profiles");
  const created = await ask("POST", "/sessions/create", {
    body: {
      agentProfileRef: "default",
      architecture: "claude-agent-sdk",
    },
  });
  const sessionId = String(created.json["sessionId"]);
  const frames = follow(sessionId);
  const sent = await ask("POST", `/sessions/${sessionId}/message`, {
    body: { content: process.env["VISIT_MESSAGE"] ?? "Hello" },
  });
  const seen = await frames;
  const session = await ask("GET", `/sessions/${sessionId}`);
  const listed = await ask("GET", "/sessions");
  const unknown = await ask("GET", "/sessions/nobody");
  const afterwards = await ask("GET", "/health", { key: null });
  return { said, health, refused, profiles, created, sent, seen, session, listed, unknown, afterwards };
}

try {
  const seen = await visit();
  server.kill("SIGTERM");
  const [code] = (await exited) as [number | null];
  process.stdout.write(JSON.stringify({ ...seen, code }));
} finally {
  server.kill("SIGKILL");
}
