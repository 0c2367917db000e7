import type { IncomingHttpHeaders } from "node:http";
import { z } from "zod";
import type { ModelUse } from "./port.ts";

/** Reads along in an answer of the model, without holding it up. */
export interface UsageMeter {
  take(chunk: Buffer): void;
  /** The answer is over, or broken off: what had come until then counts. */
  end(): void;
}

/** Lines and bodies above this are not read along; they go through all the same. */
const MAX_BYTES = 8 * 1024 * 1024;

const Tokens = z.number().int().nonnegative().nullish().catch(undefined);
/** Anthropic's; in a stream the counts of a later event replace those before. */
const NativeUsage = z.object({
  input_tokens: Tokens,
  output_tokens: Tokens,
  cache_read_input_tokens: Tokens,
  cache_creation_input_tokens: Tokens,
});
type NativeUsage = z.infer<typeof NativeUsage>;
const Message = z.object({ model: z.string().max(200).optional(), usage: NativeUsage.optional() });
const StreamEvent = z.discriminatedUnion("type", [
  z.object({ type: z.literal("message_start"), message: Message }),
  z.object({ type: z.literal("message_delta"), usage: NativeUsage.optional() }),
]);

/** Calls `onUse` once, as soon as the answer has told all; never for one that tells nothing. null: nothing to read. */
export function usageMeter(headers: IncomingHttpHeaders, onUse: (use: ModelUse) => void): UsageMeter | null {
  const type = headers["content-type"] ?? "";
  if ((headers["content-encoding"] ?? "identity") !== "identity") return null;
  if (type.startsWith("text/event-stream")) return streamMeter(onUse);
  return type.startsWith("application/json") ? bodyMeter(onUse) : null;
}

function bodyMeter(onUse: (use: ModelUse) => void): UsageMeter {
  let chunks: Buffer[] | null = [];
  let bytes = 0;
  return {
    take(chunk) {
      bytes += chunk.length;
      if (bytes > MAX_BYTES) chunks = null;
      chunks?.push(chunk);
    },
    end() {
      const message = Message.safeParse(parsed(Buffer.concat(chunks ?? []).toString()));
      chunks = null;
      if (message.data?.usage !== undefined) onUse(useOf(message.data.usage, message.data.model));
    },
  };
}

function streamMeter(onUse: (use: ModelUse) => void): UsageMeter {
  let usage: NativeUsage | undefined;
  let model: string | undefined;
  let told = false;
  function tell(): void {
    if (usage === undefined || told) return;
    told = true;
    onUse(useOf(usage, model));
  }
  const lines = lineReader((line) => {
    if (line.startsWith("event: message_stop")) return tell();
    if (!line.startsWith("data:") || !line.includes('"usage"')) return;
    const event = StreamEvent.safeParse(parsed(line.slice(5))).data;
    if (event === undefined) return;
    const said = event.type === "message_start" ? event.message.usage : event.usage;
    usage = { ...usage, ...defined(said ?? {}) };
    if (event.type === "message_start") model = event.message.model;
  });
  return { take: lines, end: tell };
}

/** Calls `take` with each whole line that is not too long. */
function lineReader(take: (line: string) => void): (chunk: Buffer) => void {
  let rest: Buffer[] = [];
  let bytes = 0;
  return (chunk) => {
    let from = 0;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
      const piece = chunk.subarray(from, at);
      if (bytes + piece.length <= MAX_BYTES) take(Buffer.concat([...rest, piece]).toString());
      rest = [];
      bytes = 0;
      from = at + 1;
    }
    const tail = chunk.subarray(from);
    bytes += tail.length;
    if (bytes > MAX_BYTES) rest = [];
    else if (tail.length > 0) rest.push(tail);
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function defined(usage: Partial<NativeUsage>): Partial<NativeUsage> {
  return Object.fromEntries(Object.entries(usage).filter(([, tokens]) => typeof tokens === "number"));
}

function useOf(usage: NativeUsage, model: string | undefined): ModelUse {
  const inputTokens = usage.input_tokens ?? 0;
  const outputTokens = usage.output_tokens ?? 0;
  const cacheReadTokens = usage.cache_read_input_tokens ?? 0;
  const cacheWriteTokens = usage.cache_creation_input_tokens ?? 0;
  const totalTokens = inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens;
  return {
    requests: 1,
    usage: { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, thinkingTokens: 0, totalTokens },
    ...(model === undefined ? {} : { model }),
  };
}
