import { script, type ScriptStep } from "@hhopkins/agent-runtime-testkit";
import { bash } from "../testing/prompts.ts";

/** The profile that the turns need. */
export const CRASH_PROFILE = { id: "crash", name: "Crash", tools: ["Read", "Write", "Edit", "Bash", "Agent"] };

/** Pace of what the model says: so long that most kills fall into an answer or a tool. */
export interface Pace {
  readonly delayMs: number;
  readonly toolSeconds: number;
}

/** A turn with tools, a file, a subagent and a streamed answer, all of which carry its mark. */
export interface CrashTurn {
  /** Also the message's id. */
  readonly mark: string;
  readonly content: string;
  /** Lines that its tools append to `ledger.txt`, each once. */
  readonly ledger: readonly string[];
  readonly file: { readonly path: string; readonly content: string };
  /** What the agent says at the end. */
  readonly text: string;
  /** Steps of the script by the mark that the model sees: the turn's own, and its subagent's. */
  readonly steps: ReadonlyMap<string, number>;
}

/** One content block a step: what a harness keeps of an answer that breaks then is the whole step or nothing. */
export function crashTurn(mark: string, pace: Pace = { delayMs: 12, toolSeconds: 0.15 }): CrashTurn {
  const ledger = ["a", "b", "c"].map((part) => `${mark}.${part}`);
  const work = (line: string | undefined): ScriptStep => ({
    tools: [bash(`echo ${line} >> ledger.txt; sleep ${pace.toolSeconds}`)],
  });
  const file = { path: `${mark}.md`, content: `# ${mark}\n${"This line was written in a turn. ".repeat(8)}\n` };
  const text = `${mark} is done. ${"What was asked is there. ".repeat(12)}`;
  const inner: ScriptStep[] = [work(ledger[1]), { text: `${mark} inner`, delayMs: pace.delayMs }];
  const prompt = `[${mark}.inner] ${script(inner)}`;
  const agent = { description: "help", prompt, subagent_type: "general-purpose", run_in_background: false };
  const steps: ScriptStep[] = [
    work(ledger[0]),
    {
      tools: [{ name: "Write", input: { file_path: `/workspace/${file.path}`, content: file.content } }],
      delayMs: pace.delayMs,
    },
    { tools: [{ name: "Agent", input: agent }] },
    work(ledger[2]),
    { text, delayMs: pace.delayMs },
  ];
  return {
    mark,
    content: `[${mark}] ${script(steps)}`,
    ledger,
    file,
    text,
    steps: new Map([
      [mark, steps.length],
      [`${mark}.inner`, inner.length],
    ]),
  };
}

/** The mark at the beginning of the text that carries a script. */
export function markOf(text: string): string | undefined {
  return /\[([\w-]+(?:\.inner)?)\] <<<\[/.exec(text)?.[1];
}
