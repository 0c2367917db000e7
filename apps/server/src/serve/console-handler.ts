import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { chosenEncoding, consoleFiles, type ConsoleFile } from "./console-files.ts";

/** No inline script, nothing evaluated, nothing from elsewhere; pictures that the page made itself are `blob:` and `data:`. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data: blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const HEADERS = {
  "content-security-policy": POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-cache",
};

const NOT_BUILT = `The console is not built here.

In a clone, "npm start" and "npm run build" build it. The API is there without it: see /docs.
`;

/** What everybody may know. */
export interface ConsoleInfo {
  readonly model: "real" | "scripted";
}

type ConsoleHandler = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;

/** Answers requests for the console; false for what is not its own. Never rejects. */
export function createConsoleHandler(info: ConsoleInfo, find = consoleFiles()): ConsoleHandler {
  const about = JSON.stringify({ ...info, version: version() });
  return async (request, response) => {
    if (request.method !== "GET" && request.method !== "HEAD") return false;
    const path = (request.url ?? "").split("?")[0] ?? "";
    try {
      if (path === "/console/info.json") sendText(response, 200, { type: "application/json", text: about });
      else if (path === "/favicon.ico") response.writeHead(204, HEADERS).end();
      else {
        const file = await find(path);
        if (file !== null) sendFile(request, response, file);
        else if (path === "/") sendText(response, 503, { type: "text/plain; charset=utf-8", text: NOT_BUILT });
        else return false;
      }
    } catch {
      response.destroy();
    }
    return true;
  };
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as object;
  return "version" in manifest ? String(manifest.version) : "";
}

function sendText(response: ServerResponse, status: number, { type, text }: { type: string; text: string }): void {
  response.writeHead(status, { ...HEADERS, "content-type": type, "content-length": Buffer.byteLength(text) }).end(text);
}

function sendFile(request: IncomingMessage, response: ServerResponse, file: ConsoleFile): void {
  const encoding = chosenEncoding(request.headers["accept-encoding"]?.toString() ?? "", file);
  const body = file.bodies[encoding] ?? Buffer.alloc(0);
  const etag = `"${file.etag}-${encoding}"`;
  const headers = {
    ...HEADERS,
    ...(file.isImmutable ? { "cache-control": "public, max-age=31536000, immutable" } : {}),
    etag,
    vary: "accept-encoding",
  };
  if (request.headers["if-none-match"]?.split(/\s*,\s*/).includes(etag) === true) {
    response.writeHead(304, headers).end();
    return;
  }
  const coded = encoding === "identity" ? {} : { "content-encoding": encoding };
  response.writeHead(200, { ...headers, ...coded, "content-type": file.type, "content-length": body.byteLength });
  response.end(body);
}
