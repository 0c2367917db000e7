import type { IncomingMessage } from "node:http";

export type ReadBody =
  | { readonly ok: true; readonly json: unknown }
  | { readonly ok: false; readonly status: number; readonly message: string };

/** Reads a JSON body of at most so many bytes. */
export async function readJsonBody(request: IncomingMessage, maxBytes: number): Promise<ReadBody> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= maxBytes) chunks.push(chunk);
  }
  if (bytes > maxBytes) return { ok: false, status: 413, message: `The body has more than ${maxBytes} bytes.` };
  try {
    return { ok: true, json: JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown };
  } catch (error) {
    return {
      ok: false,
      status: 400,
      message: `The body is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}
