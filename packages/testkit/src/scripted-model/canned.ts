import { type ConversationMessage, countTurns } from "./script-search.ts";
import type { Step } from "./step.ts";

// The marks of a script are described, not written: a harness may quote an answer in a later user message, where they would count.
export const help =
  "This is the scripted model: it says only what a prompt tells it to. " +
  'Put a JSON array of steps between three "<" and three ">" into your message, without spaces between them, such as [{"text":"Hello"}]. ' +
  "The keys of a step are text, thinking, tools, chunk, delayMs, firstMs, usage, error, hang and dropAfter.";

export const usedUp =
  "This is the scripted model: the steps of the script in this conversation are used up. Send a message with a new script.";

/** For what a harness asks on the side, without tools: titles, topics, summaries. */
export const sideAnswer = "Scripted session";

/** What the demo turn looks at. */
export interface DemoRequest {
  readonly messages: readonly ConversationMessage[];
  readonly toolNames: readonly string[];
  /** Everything the harness says about itself, such as the working directory. */
  readonly systemText: string;
}

/** The demo's step for this conversation: write a file, read it back, close. It calls only tools that the request offers. */
export function demoStep(request: DemoRequest): { step: Step; index: number } {
  const prompts = request.messages.flatMap((message, at) => (isPrompt(message) ? [at] : []));
  const lastPrompt = prompts.at(-1) ?? 0;
  const index = countTurns(request.messages.slice(lastPrompt + 1));
  const directory = workingDirectory(request);
  const path = `${directory}hello-${Math.max(prompts.length, 1)}.md`;
  const steps = demoSteps(path, request.messages[lastPrompt]?.texts.findLast(isOwnText) ?? "");
  const offered = steps.filter((step) => (step.tools ?? []).every((tool) => request.toolNames.includes(tool.name)));
  return { step: offered[index] ?? { text: usedUp }, index };
}

function demoSteps(path: string, prompt: string): Step[] {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const content = `# Hello\n\nYou wrote:\n\n> ${excerpt(prompt)}\n\nThis file was written by a real agent; only its words are scripted.\n`;
  const pace = { delayMs: 20, chunk: 12 };
  return [
    {
      ...pace,
      thinking: "There is no real model here. I will show what a turn looks like: write a file, then read it back.",
      text: `Hello! I am the scripted model, so I cannot really think about your message. I write it into ${name}, to show you a turn.`,
      tools: [{ name: "Write", input: { file_path: path, content } }],
    },
    { ...pace, text: "Now I read it back.", tools: [{ name: "Read", input: { file_path: path } }] },
    {
      ...pace,
      text: `Done. ${name} is in the workspace. Start the server with a credential for a real model, and a real one will answer.`,
    },
  ];
}

function excerpt(prompt: string): string {
  const line = prompt.replaceAll(/\s+/g, " ").trim();
  return line.length > 200 ? `${line.slice(0, 200).toWellFormed()}…` : line;
}

function isPrompt(message: ConversationMessage): boolean {
  return message.role === "user" && message.texts.some(isOwnText);
}

/** Harnesses add texts of their own to the user's messages, in tags or brackets. */
function isOwnText(text: string): boolean {
  return (
    text.trim() !== "" &&
    !/^\s*(<(system-reminder|task-notification|local-command-stdout)>|\[Request interrupted|# Environment\b)/.test(text)
  );
}

/** The directory that the harness names to its model, with a slash at the end; nothing when it names none. */
function workingDirectory(request: DemoRequest): string {
  const texts = [request.systemText, ...request.messages.flatMap((message) => message.texts)];
  const found = texts
    .map((text) => /working directory: *(\/[^\n]*)/i.exec(text)?.[1]?.trim())
    .find((path) => path !== undefined);
  return found === undefined ? "" : `${found.replace(/\/+$/, "")}/`;
}
