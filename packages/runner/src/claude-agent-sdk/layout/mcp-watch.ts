import type { McpServerStatus } from "@anthropic-ai/claude-agent-sdk";
import { mcpToolPrefix, type EntryBody } from "@hhopkins/agent-runtime-protocol";
import { resultText } from "../content.ts";
import { contentOf, type NativeMessage } from "../native.ts";
import { toId } from "../outlet.ts";
import { conversationOf } from "../speech.ts";
import type { McpLogs } from "./mcp-logs.ts";

export interface McpWatchOptions {
  readonly servers: readonly string[];
  readonly logs: Pick<McpLogs, "lastWords">;
  /** The harness's own account. */
  readonly statuses: () => Promise<readonly McpServerStatus[]>;
  readonly now: () => Date;
}

/** Tells people which MCP server is not there, and why: the model does not always say. */
export interface McpWatch {
  /** What follows from a message of the harness. */
  follow(message: NativeMessage): Promise<EntryBody[]>;
}

/** A call's error that is not the tool's own, as far as its words show. */
const BROKEN_OFF =
  /connection (closed|lost|refused|reset)|not connected|ECONN|fetch failed|unable to connect|cannot be reached|^MCP server .* timed out/i;

const REFUSED =
  "it was refused (401 or 403): its headers lack a login that is good, or its host is not among those that this sandbox may reach";

export function createMcpWatch({ servers, logs, statuses, now }: McpWatchOptions): McpWatch {
  const told = new Set<string>();
  /** Tools' calls, by id, with the server that they go to. */
  const calls = new Map<string, string>();

  function block(conversationId: string, key: string, content: string): EntryBody[] {
    const id = toId(`mcp:${key}`);
    const whole = { type: "system", id, timestamp: now().toISOString(), subtype: "mcp_failed", content } as const;
    return [
      { kind: "block:start", conversationId, block: { ...whole, content: "" } },
      { kind: "block:complete", conversationId, block: whole },
    ];
  }

  async function started(message: NativeMessage): Promise<EntryBody[]> {
    const absent = (message.mcp_servers ?? []).filter(({ name, status }) => servers.includes(name) && isAbsent(status));
    for (const name of told) if (absent.every((server) => server.name !== name)) told.delete(name);
    const news = absent.filter(({ name }) => !told.has(name));
    if (news.length === 0) return [];
    const known = await statuses();
    const bodies: EntryBody[] = [];
    for (const { name, status } of news) {
      told.add(name);
      const login = status === "needs-auth" ? REFUSED : undefined;
      const why = login ?? known.find((server) => server.name === name)?.error ?? "no reason was given";
      const end = ` The agent works without it.${said(await logs.lastWords(name))}`;
      const content = `The MCP server ${name} did not start: ${why.replace('"[redacted]" ', "")}.${end}`;
      bodies.push(...block("main", `${name}:${message.uuid ?? "init"}`, content));
    }
    return bodies;
  }

  function note(message: NativeMessage): void {
    for (const { type, id = "", name = "" } of contentOf(message.message)) {
      const server = type === "tool_use" ? servers.find((one) => name.startsWith(mcpToolPrefix(one))) : undefined;
      if (server !== undefined) calls.set(id, server);
    }
  }

  async function returned(message: NativeMessage): Promise<EntryBody[]> {
    const bodies: EntryBody[] = [];
    for (const { type, tool_use_id: id = "", is_error: isError, content } of contentOf(message.message)) {
      const server = type === "tool_result" ? calls.get(id) : undefined;
      if (server === undefined) continue;
      calls.delete(id);
      const text = resultText(content);
      if (isError !== true || !BROKEN_OFF.test(text)) continue;
      const words = await logs.lastWords(server);
      const code = words.code === undefined ? "" : `, exit code ${words.code}`;
      const told = `A call of the MCP server ${server} broke off (${text.slice(0, 200)}${code}).`;
      bodies.push(...block(conversationOf(message), id, `${told} The next call tries it again.${said(words)}`));
    }
    return bodies;
  }

  return {
    async follow(message) {
      if (servers.length === 0 || message.isReplay === true) return [];
      if (message.type === "system" && message.subtype === "init") return started(message);
      if (message.type === "assistant") note(message);
      return message.type === "user" ? returned(message) : [];
    },
  };
}

function isAbsent(status: string): boolean {
  return status === "failed" || status === "needs-auth";
}

function said({ words }: { words: string }): string {
  return words === "" ? "" : ` It said last:\n${words}`;
}
