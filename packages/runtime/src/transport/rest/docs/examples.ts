import type { PlacedOperation } from "./document.ts";

/** How a route is used: what is sent, what comes back as a file, and the same by the client. */
interface Usage {
  /** JSON that is sent, or what curl sends of a file. */
  readonly body?: object | { readonly file: string; readonly type: string };
  /** The query string. */
  readonly query?: string;
  /** Options of curl beside the usual ones. */
  readonly curl?: string;
  /** A call of `AgentClient`; absent: the client has none. */
  readonly client?: string;
}

const answer = { decision: "allow" };
const profile = { id: "reviewer", name: "Reviewer", tools: ["Read"] };

/** By method and path. The routes that are not here need nothing and have no method in the client. */
const USAGES: Readonly<Record<string, Usage>> = {
  "get /agent-profiles": { client: "client.listProfiles()" },
  "post /agent-profiles": { body: profile, client: "client.createProfile(body)" },
  "get /agent-profiles/{id}": { client: "client.getProfile(profileId)" },
  "put /agent-profiles/{id}": { body: profile, client: "client.replaceProfile(body)" },
  "delete /agent-profiles/{id}": { client: "client.deleteProfile(profileId)" },
  "post /tokens": { body: { rights: ["read"] }, client: "client.createToken(body)" },
  "post /sessions/create": {
    body: { agentProfileRef: "default", architecture: "claude-agent-sdk" },
    client: "client.createSession(body)",
  },
  "get /sessions": { query: "?limit=20", client: "client.listSessions({ limit: 20 })" },
  "get /sessions/{id}": { client: "client.getSession(sessionId)" },
  "delete /sessions/{id}": { client: "client.deleteSession(sessionId)" },
  "patch /sessions/{id}/options": {
    body: { effort: "high" },
    client: "client.updateOptions(sessionId, body)",
  },
  "get /sessions/{id}/blocks": { query: "?limit=50", client: "client.getBlocks(sessionId, { limit: 50 })" },
  "get /sessions/{id}/network": { client: "client.getNetwork(sessionId)" },
  "get /sessions/{id}/sandbox": { client: "client.getSandbox(sessionId)" },
  "post /sessions/{id}/unload": { client: "client.unload(sessionId)" },
  "post /sessions/{id}/sync": { client: "client.sync(sessionId)" },
  "post /sessions/{id}/interrupt": { client: "client.interrupt(sessionId)" },
  "post /sessions/{id}/rewind": { body: { turnId: "start" }, client: "client.rewindSession(sessionId, body.turnId)" },
  "post /sessions/{id}/fork": { body: { name: "Another way" }, client: "client.forkSession(sessionId, body)" },
  "get /sessions/{id}/export": { curl: "-o session.ndjson.gz", client: "client.exportSession(sessionId)" },
  "post /sessions/import": { body: { file: "session.ndjson.gz", type: "application/gzip" } },
  "post /sessions/{id}/message": {
    body: { content: "Write a haiku into haiku.md", messageId: "msg-1" },
    client: "client.sendMessage(sessionId, body.content, { messageId: body.messageId })",
  },
  "patch /sessions/{id}/messages/{messageId}": {
    body: { content: "Write two of them" },
    client: "client.updateMessage(sessionId, messageId, body.content)",
  },
  "delete /sessions/{id}/messages/{messageId}": { client: "client.withdrawMessage(sessionId, messageId)" },
  "get /sessions/{id}/messages/{messageId}/attachments/{name}": {
    curl: "-O",
    client: "client.readAttachment(sessionId, messageId, name)",
  },
  "post /sessions/{id}/asks/{askId}/answer": { body: answer, client: "client.answerAsk(sessionId, askId, body)" },
  "post /sessions/{id}/subagents/{subagentId}/stop": { client: "client.stopSubagent(sessionId, subagentId)" },
  "get /sessions/{id}/files": { client: "client.listFiles(sessionId)" },
  "get /sessions/{id}/archive": { curl: "-o workspace.zip", client: "client.readArchive(sessionId)" },
  "get /sessions/{id}/files/{path}": { client: "client.readFile(sessionId, path)" },
  "put /sessions/{id}/files/{path}": {
    body: { file: "haiku.md", type: "application/octet-stream" },
    client: "client.putFile(sessionId, path, bytes)",
  },
  "delete /sessions/{id}/files/{path}": { client: "client.deleteFile(sessionId, path)" },
  "get /sessions/{id}/events": {
    query: "?after=0",
    curl: "-N",
    client: "client.follow(sessionId, { onEvent: console.log })",
  },
};

/** What stands for a path's parameters in a shell. */
const VARIABLES: Readonly<Record<string, string>> = {
  id: "$SESSION",
  messageId: "$MESSAGE",
  askId: "$ASK",
  subagentId: "$SUBAGENT",
  path: "haiku.md",
  name: "notes.txt",
};
const OPEN = new Set(["/health", "/ready"]);

export interface Example {
  readonly curl: string;
  readonly client: string | undefined;
  /** JSON that both send. */
  readonly body: object | undefined;
}

/** How an operation is asked by curl and by the client. */
export function exampleOf({ method, path }: PlacedOperation): Example {
  const { body, query = "", curl, client } = USAGES[`${method} ${path}`] ?? {};
  const isFile = body !== undefined && "file" in body;
  const place = path.replace(/\{(\w+)\}/g, (_all, name: string) => variable(path, name));
  const parts = [
    `curl${method === "get" ? "" : ` -X ${method.toUpperCase()}`}${curl === undefined ? "" : ` ${curl}`} "$URL/v1${place}${query}"`,
    ...(OPEN.has(path) ? [] : ['-H "Authorization: Bearer $KEY"']),
    ...(isFile ? [`-H "Content-Type: ${body.type}"`, `--data-binary @${body.file}`] : []),
    ...(body === undefined || isFile ? [] : ['-H "Content-Type: application/json"', `-d '${JSON.stringify(body)}'`]),
  ];
  const json = isFile ? undefined : body;
  return {
    curl: parts.join(" \\\n  "),
    client: client === undefined ? undefined : clientText(client, json),
    body: json,
  };
}

function variable(path: string, name: string): string {
  return path.startsWith("/agent-profiles") ? "$PROFILE" : (VARIABLES[name] ?? `$${name.toUpperCase()}`);
}

/** What the call names of the body stands above it. */
function clientText(call: string, body: object | undefined): string {
  const given = body === undefined ? "" : `const body = ${JSON.stringify(body, null, 2)};\n`;
  return `${given}${call.startsWith("client.follow") ? "" : "await "}${call};`;
}
