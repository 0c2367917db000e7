import type { AgentRuntimeConfig, SessionState } from "@hhopkins/agent-runtime";
import { memoryPersistence } from "@hhopkins/agent-runtime/persistence/memory";
import type { AgentProfile } from "@hhopkins/agent-runtime-protocol";
import type { ScriptedModelRequest, ScriptStep } from "@hhopkins/agent-runtime-testkit";
import { prompt } from "../testing/prompts.ts";
import { startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";

export interface PlayedTurn {
  readonly state: SessionState;
  /** What the harness asked the model in this turn. */
  readonly requests: readonly ScriptedModelRequest[];
  /** Contents of the tools' results, in order. */
  readonly results: readonly string[];
}

/** A real runtime with one profile, and a session on it. */
export interface ProfileBench extends AsyncDisposable {
  readonly server: RuntimeUnderTest;
  readonly sessionId: string;
  /** Sends a message with a script, and waits for the end of its turn. */
  play(text: string, ...steps: ScriptStep[]): Promise<PlayedTurn>;
}

export async function profileBench(
  profile: Partial<AgentProfile>,
  { session, ...config }: AgentRuntimeConfig & { session?: object } = {},
): Promise<ProfileBench> {
  const profiles = [{ id: "p", name: "P", model: "claude-sonnet-4-5", ...profile }];
  const server = await startRuntime({ persistence: memoryPersistence({ profiles }), ...config });
  const sessionId = await server.create({ agentProfileRef: "p", ...session });
  return {
    server,
    sessionId,
    async play(text, ...steps) {
      const from = server.model.requests.length;
      const before = new Set((await server.state(sessionId)).blocks.map(({ id }) => id));
      const state = await server.turn(sessionId, steps.length === 0 ? text : prompt(text, ...steps));
      const results = state.blocks.flatMap((block) =>
        block.type === "tool_result" && !before.has(block.id) ? [block.content] : [],
      );
      return { state, requests: server.model.requests.slice(from).filter(({ body }) => body !== undefined), results };
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** What a request says in all, as one text. */
export function sent(request: ScriptedModelRequest | undefined): string {
  return JSON.stringify(request?.body ?? null);
}

/** The system blocks of a state, by what they are. */
export function systemBlocks(state: SessionState, subtype: string): string[] {
  return state.blocks.flatMap((block) => (block.type === "system" && block.subtype === subtype ? [block.content] : []));
}
