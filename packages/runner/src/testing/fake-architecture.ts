import { NO_USAGE } from "@hhopkins/agent-runtime-protocol";
import type { EntryBody, SessionOptions, TurnError } from "@hhopkins/agent-runtime-protocol";
import type { HarnessAsking, HarnessSpec, RunnerArchitecture, TurnEnd } from "../architecture.ts";

export interface FakeTurn {
  readonly spec: HarnessSpec;
  readonly content: string;
  /** Resolves when the turn is interrupted. */
  readonly interrupted: Promise<TurnError | undefined>;
  text(id: string, ...deltas: string[]): Promise<void>;
}

export interface FakeArchitecture extends RunnerArchitecture {
  /** What was done to it, in order. */
  readonly calls: string[];
  spec: HarnessSpec | null;
  options: SessionOptions | null;
}

/** An architecture whose turns are functions of the test. */
export function fakeArchitecture(
  play: (turn: FakeTurn) => Promise<Partial<TurnEnd> | void>,
  onStart: (spec: HarnessSpec, signal: AbortSignal) => Promise<void> = async () => {},
  asking?: HarnessAsking,
): FakeArchitecture {
  const fake: FakeArchitecture = {
    name: "fake",
    calls: [],
    spec: null,
    options: null,
    async start(spec, signal) {
      fake.calls.push("start");
      fake.spec = spec;
      await onStart(spec, signal);
      let interrupt: (failure?: TurnError) => void = () => {};
      return {
        nativeSessionId: spec.start.resume ?? "native-1",
        ...(asking === undefined ? {} : { asking }),
        async runTurn({ turnId, messages }) {
          fake.calls.push(`turn ${turnId}`);
          const interrupted = new Promise<TurnError | undefined>((resolve) => (interrupt = resolve));
          const content = messages.map((message) => message.content).join("\n");
          const end = await play({ spec, content, interrupted, text: (id, ...deltas) => text(spec, id, deltas) });
          return { status: "completed", usage: { ...NO_USAGE, outputTokens: 3, totalTokens: 3 }, costUSD: 0.5, ...end };
        },
        async interrupt(failure) {
          fake.calls.push("interrupt");
          interrupt(failure);
        },
        async setOptions(options) {
          fake.options = options;
        },
        async flush() {
          fake.calls.push("flush");
        },
        async stop() {
          fake.calls.push("stop");
          interrupt();
        },
      };
    },
  };
  return fake;
}

async function text({ emit, now }: HarnessSpec, id: string, deltas: readonly string[]): Promise<void> {
  const block = (content: string) => ({ type: "assistant_text", id, timestamp: now().toISOString(), content }) as const;
  const say = (body: EntryBody) => emit(body);
  await say({ kind: "block:start", conversationId: "main", block: block("") });
  for (const delta of deltas) await say({ kind: "block:delta", conversationId: "main", blockId: id, delta });
  await say({ kind: "block:complete", conversationId: "main", block: block(deltas.join("")) });
}
