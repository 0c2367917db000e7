import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";

/** The page's files: beside the compiled command, or in `dist/` where it runs from source. */
const FOLDER = ["./page/", "../../dist/page/", "../page/"]
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(`${path}/main.js`));

const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/page/main.js": ["main.js", "text/javascript; charset=utf-8"],
  "/page/page.css": ["page.css", "text/css; charset=utf-8"],
};

const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-cache",
};

/** What the page may know before it has a key. */
export interface PageInfo {
  readonly model: "real" | "scripted";
}

/** Answers requests for the page; false for what is not its own. */
export function createPageHandler(info: PageInfo): (request: IncomingMessage, response: ServerResponse) => boolean {
  return (request, response) => {
    if (request.method !== "GET" && request.method !== "HEAD") return false;
    const path = (request.url ?? "").split("?")[0] ?? "";
    if (path === "/page/info.json") {
      response.writeHead(200, { ...HEADERS, "content-type": "application/json" }).end(JSON.stringify(info));
      return true;
    }
    if (path === "/favicon.ico") {
      response.writeHead(204, HEADERS).end();
      return true;
    }
    const found = FILES[path];
    if (found === undefined || FOLDER === undefined) return false;
    sendFile(`${FOLDER}/${found[0]}`, found[1], response).catch(() => response.destroy());
    return true;
  };
}

async function sendFile(path: string, type: string, response: ServerResponse): Promise<void> {
  const bytes = await readFile(path);
  response.writeHead(200, { ...HEADERS, "content-type": type, "content-length": bytes.byteLength }).end(bytes);
}
