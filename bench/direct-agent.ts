import { join } from "node:path";
import { query, type Options, type SDKUserMessage } from "@anthropic-ai/claude-agent-sdk";
import type { Answer } from "./answer.ts";
import { now } from "./clock.ts";

/** The Claude Agent SDK as one would use it without a runtime: one long-lived query with streaming input. */
export interface DirectAgent extends Disposable {
  /** Resolves when the turn is over. `sentAt` is the moment before the message went in, if not another is given. */
  ask(text: string, sentAt?: number): Promise<Answer>;
}

export interface DirectAgentOptions {
  readonly modelUrl: string;
  /** An empty folder for its workspace and home. */
  readonly folder: string;
}

export function openDirectAgent(options: DirectAgentOptions): DirectAgent {
  const input = createInput();
  const session = query({ prompt: input, options: { ...OPTIONS, cwd: options.folder, env: environment(options) } });
  const output = session[Symbol.asyncIterator]();

  return {
    async ask(text, sentAt = now()) {
      input.push(text);
      const deltas: number[] = [];
      for (;;) {
        const { value, done } = await output.next();
        if (done === true) throw new Error("the agent's process ended");
        if (isTextDelta(value)) deltas.push(now());
        if (value.type !== "result") continue;
        const [firstDeltaAt, lastDeltaAt] = [deltas[0], deltas.at(-1)];
        if (firstDeltaAt === undefined || lastDeltaAt === undefined) {
          throw new Error(`no text came: ${JSON.stringify(value)}`);
        }
        return { sentAt, firstDeltaAt, lastDeltaAt, steps: {} };
      }
    },
    [Symbol.dispose]: () => session.close(),
  };
}

/** What the runtime's own adapter asks of the harness too. */
const OPTIONS: Options = {
  systemPrompt: { type: "preset", preset: "claude_code" },
  settingSources: [],
  permissionMode: "bypassPermissions",
  allowDangerouslySkipPermissions: true,
  includePartialMessages: true,
};

function environment({ modelUrl, folder }: DirectAgentOptions): Record<string, string | undefined> {
  return {
    PATH: process.env["PATH"],
    LANG: "C.UTF-8",
    HOME: folder,
    CLAUDE_CONFIG_DIR: join(folder, ".claude"),
    ANTHROPIC_BASE_URL: modelUrl,
    ANTHROPIC_API_KEY: "key-of-the-scripted-model",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS: "1",
    CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: "1",
    DISABLE_AUTOUPDATER: "1",
    IS_SANDBOX: "1",
  };
}

function isTextDelta(message: { type: string; event?: unknown }): boolean {
  const event = message.type === "stream_event" ? (message.event as { delta?: { type?: string } }) : undefined;
  return event?.delta?.type === "text_delta";
}

function createInput(): AsyncIterable<SDKUserMessage> & { push(text: string): void } {
  const waiting: SDKUserMessage[] = [];
  let wake = (): void => undefined;
  return {
    push(text) {
      const message = { role: "user" as const, content: [{ type: "text" as const, text }] };
      waiting.push({ type: "user", parent_tool_use_id: null, message });
      wake();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const next = waiting.shift();
        if (next === undefined) await new Promise<void>((resolve) => (wake = resolve));
        else yield next;
      }
    },
  };
}
