import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Options, type Query, type SDKMessage, type SDKUserMessage, query } from "@anthropic-ai/claude-agent-sdk";
import type { ScriptedModel } from "../server.ts";

/** A real harness on the scripted model, in a fresh directory. */
export interface Claude extends AsyncDisposable {
  readonly cwd: string;
  /** Sends a message and returns what the harness says until its result. `onMessage` sees each as it comes. */
  turn(text: string, onMessage?: (message: SDKMessage, query: Query) => void): Promise<SDKMessage[]>;
}

export async function startClaude(model: ScriptedModel, env: Record<string, string> = {}): Promise<Claude> {
  const home = await mkdtemp(join(tmpdir(), "scripted-home-"));
  const cwd = await mkdtemp(join(tmpdir(), "scripted-workspace-"));
  const input = createInput();
  const session = query({ prompt: input, options: optionsFor(model, { home, cwd, env }) });
  const output = session[Symbol.asyncIterator]();
  return {
    cwd,
    async turn(text, onMessage) {
      input.push(text);
      const messages: SDKMessage[] = [];
      for (;;) {
        const next = await output.next();
        if (next.done) throw new Error("the harness ended");
        messages.push(next.value);
        onMessage?.(next.value, session);
        if (next.value.type === "result") return messages;
      }
    },
    async [Symbol.asyncDispose]() {
      session.close();
      await rm(home, { recursive: true, force: true, maxRetries: 10 });
      await rm(cwd, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

function optionsFor(model: ScriptedModel, places: { home: string; cwd: string; env: Record<string, string> }): Options {
  return {
    cwd: places.cwd,
    env: {
      PATH: process.env["PATH"],
      HOME: places.home,
      CLAUDE_CONFIG_DIR: join(places.home, ".claude"),
      ANTHROPIC_BASE_URL: model.url,
      ANTHROPIC_API_KEY: "x",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      IS_SANDBOX: "1",
      ...places.env,
    },
    model: "claude-sonnet-4-5",
    permissionMode: "bypassPermissions",
    allowDangerouslySkipPermissions: true,
    includePartialMessages: true,
    forwardSubagentText: true,
    settingSources: [],
  };
}

/** Messages that can be added while they are read. */
function createInput(): AsyncIterable<SDKUserMessage> & { push(text: string): void } {
  const waiting: SDKUserMessage[] = [];
  let wake = (): void => {};
  return {
    push(text) {
      waiting.push({
        type: "user",
        parent_tool_use_id: null,
        message: { role: "user", content: [{ type: "text", text }] },
      });
      wake();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const next = waiting.shift();
        if (next !== undefined) yield next;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}
