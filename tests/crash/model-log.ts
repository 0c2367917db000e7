import { startScriptedModel, type ScriptedModel, type ScriptedModelRequest } from "@hhopkins/agent-runtime-testkit";
import { markOf } from "./crash-turn.ts";

/** The model of a crash test, in a process that nobody kills, and what it was asked. */
export interface ModelLog extends AsyncDisposable {
  readonly url: string;
  /** How often it was asked for each step, by `mark index`. */
  readonly asked: ReadonlyMap<string, number>;
  /** Steps that it said to the end at least once, by `mark index`. */
  answered(): ReadonlySet<string>;
}

interface Asked {
  readonly step: string;
  readonly request: { readonly outcome: ScriptedModelRequest["outcome"] };
}

export async function startModelLog(): Promise<ModelLog> {
  const asked = new Map<string, number>();
  const open = new Set<Asked>();
  const answered = new Set<string>();
  function settle(): void {
    for (const one of open) {
      if (one.request.outcome === "open") continue;
      open.delete(one);
      if (one.request.outcome === "answered") answered.add(one.step);
    }
  }
  const model: ScriptedModel = await startScriptedModel({
    onRequest(request) {
      settle();
      const { played } = request;
      if (played?.kind !== "step") return;
      const step = `${markOfRequest(request.body)} ${played.index}`;
      asked.set(step, (asked.get(step) ?? 0) + 1);
      open.add({ step, request });
    },
  });
  return {
    url: model.url,
    asked,
    answered() {
      settle();
      return answered;
    },
    [Symbol.asyncDispose]: () => model.close(),
  };
}

/** The script that is played is the last one of a user in the conversation. */
function markOfRequest(body: unknown): string {
  const { messages } = body as {
    messages: readonly { role: string; content: string | readonly { type: string; text?: string }[] }[];
  };
  for (const { role, content } of messages.toReversed()) {
    if (role !== "user") continue;
    const texts =
      typeof content === "string"
        ? [content]
        : content.flatMap(({ type, text }) => (type === "text" && text !== undefined ? [text] : []));
    const mark = texts.map(markOf).findLast((found) => found !== undefined);
    if (mark !== undefined) return mark;
  }
  return "?";
}
