import type { AgentRuntimeConfig, Ask, AskAnswer, SessionState } from "@hhopkins/agent-runtime";
import type { AgentProfile } from "@hhopkins/agent-runtime-protocol";
import { memoryPersistence } from "@hhopkins/agent-runtime/persistence/memory";
import type { ScriptStep } from "@hhopkins/agent-runtime-testkit";
import { prompt } from "../testing/prompts.ts";
import { startRuntime, type RuntimeUnderTest, type Shared } from "../testing/runtime-under-test.ts";

export const MODEL = "claude-sonnet-4-5";
/** Who asks says so: a request's key is the name of its principal. */
export const AS = "x-api-key";

/** A real runtime with one profile that asks, and a session on it. */
export interface AskBench extends AsyncDisposable {
  readonly server: RuntimeUnderTest;
  readonly sessionId: string;
  /** Sends a message with a script, and waits until so many asks are open. */
  untilAsked(text: string, steps: readonly ScriptStep[], count?: number): Promise<readonly Ask[]>;
  /** Answers by REST, as somebody. */
  answer(askId: string, answer: unknown, as?: string): Promise<Response>;
  /** Waits until the turn is over. */
  over(): Promise<SessionState>;
}

export async function askBench(
  profile: Partial<AgentProfile>,
  config: AgentRuntimeConfig = {},
  shared: Shared = {},
): Promise<AskBench> {
  const profiles = [{ id: "p", name: "P", model: MODEL, tools: ["Bash"], ...profile }];
  const server = await startRuntime(
    {
      persistence: memoryPersistence({ profiles }),
      authenticate: (request) => ({ id: request.headers.get(AS) ?? "kim", tenant: "default" }),
      ...config,
    },
    shared,
  );
  const sessionId = await server.create({ agentProfileRef: "p" });
  return {
    server,
    sessionId,
    async untilAsked(text, steps, count = 1) {
      const sent = await server.send(sessionId, prompt(text, ...steps));
      if (sent.status !== 202) throw new Error(`send: ${sent.status} ${await sent.text()}`);
      return (await server.until(sessionId, ({ asks }) => asks.length === count)).asks;
    },
    answer: (askId, answer, as = "kim") =>
      server.request("POST", `/v1/sessions/${sessionId}/asks/${askId}/answer`, answer, { [AS]: as }),
    over: () => server.until(sessionId, ({ turn, queue }) => turn === null && queue.length === 0),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

export const ALLOW: AskAnswer = { decision: "allow" };

/** Contents of the tools' results, in order. */
export function results(state: SessionState): string[] {
  return state.blocks.flatMap((block) => (block.type === "tool_result" ? [block.content] : []));
}
