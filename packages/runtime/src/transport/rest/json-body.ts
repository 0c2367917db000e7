import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { MiddlewareHandler } from "hono";

/** Deeper JSON than this is refused: what writes it out again recurses. */
const MAX_DEPTH = 100;

/**
 * Reads a JSON body once, within `limit` bytes whatever its headers say, and leaves it to the route's validator.
 * Throws `payload_too_large`, or `invalid_request` for another content type, bad UTF-8 and bad JSON.
 */
export function jsonBody(limit: number): MiddlewareHandler {
  return async (c, next) => {
    const declared = Number(c.req.header("content-length") ?? "0");
    if (declared > limit) throw tooLarge(limit);
    const type = c.req.header("content-type") ?? "";
    if (!/^application\/([a-z0-9.+-]+\+)?json\s*(;|$)/i.test(type)) {
      throw new RuntimeError("invalid_request", "header.content-type: must be application/json", {
        field: "header.content-type",
      });
    }
    const text = decode(await readBytes(c.req.raw.body, limit));
    parsedJson(text);
    // The validator reads the request anew, so it is given one that holds what was read.
    const { method, headers, signal } = c.req.raw;
    c.req.raw = new Request(c.req.raw.url, { method, headers: plain(headers), signal, body: text });
    await next();
  };
}

/** A middleware for one method of a path. */
export function onMethod(method: string, middleware: MiddlewareHandler): MiddlewareHandler {
  return (c, next) => (c.req.method === method ? middleware(c, next) : next());
}

/** Reads a stream to its end, counting as it comes. Throws `payload_too_large`. */
export async function readBytes(body: ReadableStream<Uint8Array> | null, limit: number): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop early cancels the stream.
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > limit) throw tooLarge(limit);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function plain(headers: Headers): Headers {
  const copy = new Headers();
  headers.forEach((value, name) => {
    if (name !== "content-length" && name !== "transfer-encoding") copy.append(name, value);
  });
  return copy;
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new RuntimeError("invalid_request", "body: is not valid UTF-8", { field: "body", cause });
  }
}

/** What the text says. Throws `invalid_request` where it is not JSON, or too deep. `field`: where it stands. */
export function parsedJson(text: string, field = "body"): unknown {
  if (text.trim() === "") throw new RuntimeError("invalid_request", `${field}: is missing`, { field });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new RuntimeError("invalid_request", `${field}: is not valid JSON: ${message(cause)}`, { field, cause });
  }
  if (depthExceeds(value, MAX_DEPTH))
    throw new RuntimeError("invalid_request", `${field}: is nested deeper than ${MAX_DEPTH}`, { field });
  return value;
}

function message(cause: unknown): string {
  return cause instanceof Error ? cause.message : "syntax error";
}

function depthExceeds(value: unknown, limit: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > limit) return true;
    level = level.flatMap((item) => (typeof item === "object" && item !== null ? Object.values(item) : []));
  }
  return false;
}

export function tooLarge(limit: number): RuntimeError {
  return new RuntimeError("payload_too_large", `The body may have at most ${limit} bytes.`, { field: "body" });
}
