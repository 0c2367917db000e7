import type { ScriptedModel } from "../server.ts";

/** An event of a streamed answer, as it came over the wire. */
export interface WireEvent {
  readonly type: string;
  readonly [key: string]: unknown;
}

export interface AskOptions {
  readonly stream?: boolean;
  readonly tools?: readonly string[];
  readonly session?: string;
  readonly signal?: AbortSignal;
}

export type WireMessage = { readonly role: string; readonly content: unknown };

/** Sends a conversation in Anthropic's format; a string is one user message. */
export async function ask(
  model: ScriptedModel,
  prompt: string | readonly WireMessage[],
  options: AskOptions = {},
): Promise<Response> {
  const { stream = true, tools = [], session, signal } = options;
  return fetch(`${model.url}/v1/messages?beta=true`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": "k" },
    body: JSON.stringify({
      model: "some-model",
      max_tokens: 100,
      stream,
      messages: typeof prompt === "string" ? [{ role: "user", content: prompt }] : prompt,
      tools: tools.map((name) => ({ name, input_schema: {} })),
      ...(session === undefined ? {} : { metadata: { user_id: session } }),
    }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** The events of a whole streamed answer. */
export async function eventsOf(response: Response): Promise<WireEvent[]> {
  return parseEvents(await response.text());
}

/** Each event's name must be its data's type. */
export function parseEvents(text: string): WireEvent[] {
  return text
    .split("\n\n")
    .filter((part) => part !== "")
    .map((part) => {
      const match = /^event: (\w+)\ndata: (.*)$/.exec(part);
      const data = JSON.parse(match?.[2] ?? "null") as WireEvent;
      if (data.type !== match?.[1]) throw new Error(`not an event: ${part}`);
      return data;
    });
}

/** The text that a streamed or whole answer says. */
export async function textOf(response: Response): Promise<string> {
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
    const { content } = (await response.json()) as { content: { text?: string }[] };
    return content.map((block) => block.text ?? "").join("");
  }
  const events = await eventsOf(response);
  return events.map((event) => (event["delta"] as { text?: string } | undefined)?.text ?? "").join("");
}

/** An error answer, short: status, type and message. */
export async function errorOf(response: Response): Promise<{ status: number; type: string; message: string }> {
  const body = (await response.json()) as { type: string; error: { type: string; message: string } };
  if (body.type !== "error") throw new Error(`not an error: ${JSON.stringify(body)}`);
  return { status: response.status, ...body.error };
}

/** The deltas of a streamed answer, in order. */
export function deltasOf(events: readonly WireEvent[]): unknown[] {
  return events.filter((event) => event.type === "content_block_delta").map((event) => event["delta"]);
}
