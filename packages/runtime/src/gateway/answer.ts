import { STATUS_CODES, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** Kinds of errors in the form that Anthropic's API answers with, by HTTP status. */
const TYPES = {
  401: "authentication_error",
  404: "not_found_error",
  405: "invalid_request_error",
  413: "request_too_large",
  502: "api_error",
  503: "api_error",
} as const;

/** Refuses in the form that harnesses understand. Once an answer has begun, it can only be cut off. */
export function refuse(response: ServerResponse, status: keyof typeof TYPES, message: string): void {
  const body = JSON.stringify({ type: "error", error: { type: TYPES[status], message } });
  end(response, { status, type: "application/json", body });
}

/** Refuses in words for the agent that reads its tool's output, in the body and, for tools that hide it, the status line. */
export function refuseInWords(response: ServerResponse, status: number, words: string): void {
  const login: Record<string, string> = status === 407 ? { "proxy-authenticate": 'Basic realm="sandbox"' } : {};
  end(response, { status, type: "text/plain; charset=utf-8", body: `${words}\n`, headers: login, words });
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly words?: string;
}

function end(response: ServerResponse, { status, type, body, headers, words }: Answer): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  // Of a request that is refused the body may not have been read: what still comes is thrown away, with the connection.
  response.req.resume();
  response.writeHead(status, words === undefined ? (STATUS_CODES[status] ?? "") : phraseOf(words), {
    ...headers,
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    connection: "close",
  });
  response.end(body);
}

/** The same for a CONNECT, of which there is nothing but its stream. */
export function refuseTunnel(stream: Duplex, status: number, words: string): void {
  const body = `${words}\n`;
  const login = status === 407 ? 'proxy-authenticate: Basic realm="sandbox"\r\n' : "";
  stream.end(
    `HTTP/1.1 ${status} ${phraseOf(words)}\r\n${login}content-type: text/plain; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

/** What a status line may hold. */
function phraseOf(words: string): string {
  return words.replace(/[^\x20-\x7e]/g, "?").slice(0, 300);
}
