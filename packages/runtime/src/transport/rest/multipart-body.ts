import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { MiddlewareHandler } from "hono";
import { jsonBody, parsedJson, readBytes } from "./json-body.ts";

/** Fields of a form whose files are attachments, and where these go. */
const TARGETS: Readonly<Record<string, object>> = {
  files: {},
  workspace: { to: "workspace" },
  model: { to: "model" },
};
const TEXTS = new Set(["content", "messageId", "mode", "resultSchema"]);
const FORM = /^multipart\/form-data\s*;/i;

/**
 * Reads a message's body once: JSON, or a form as browsers send files, which it leaves to the route's validator as JSON.
 * Throws as `jsonBody`.
 */
export function messageBody(limit: number): MiddlewareHandler {
  const json = jsonBody(limit);
  return async (c, next) => {
    if (!FORM.test(c.req.header("content-type") ?? "")) return json(c, next);
    const declared = Number(c.req.header("content-length") ?? "0");
    const { url, method, headers, signal, body } = c.req.raw;
    const bytes = declared > limit ? null : await readBytes(body, limit);
    const message = await messageOf(await formOf(bytes, { url, headers, limit }));
    const plain = new Headers(headers);
    for (const name of ["content-length", "transfer-encoding"]) plain.delete(name);
    plain.set("content-type", "application/json");
    c.req.raw = new Request(url, { method, headers: plain, signal, body: JSON.stringify(message) });
    await next();
  };
}

async function formOf(
  bytes: Uint8Array | null,
  { url, headers, limit }: { url: string; headers: Headers; limit: number },
): Promise<FormData> {
  if (bytes === null)
    throw new RuntimeError("payload_too_large", `The body may have at most ${limit} bytes.`, { field: "body" });
  const type = headers.get("content-type") ?? "";
  try {
    return await new Request(url, { method: "POST", headers: { "content-type": type }, body: bytes }).formData();
  } catch (cause) {
    throw new RuntimeError("invalid_request", "body: is not valid multipart/form-data", { field: "body", cause });
  }
}

async function messageOf(form: FormData): Promise<Record<string, unknown>> {
  const message: Record<string, unknown> = {};
  const attachments: object[] = [];
  for (const [field, value] of form) {
    const target = Object.hasOwn(TARGETS, field) ? TARGETS[field] : undefined;
    if (typeof value !== "string" && target !== undefined) {
      const data = Buffer.from(await value.arrayBuffer()).toString("base64");
      attachments.push({ name: value.name, mediaType: typeOf(value), data, ...target });
    } else if (typeof value === "string" && TEXTS.has(field) && !Object.hasOwn(message, field)) {
      message[field] = field === "resultSchema" ? parsedJson(value, "body.resultSchema") : value;
    } else throw refused(field, value);
  }
  return attachments.length === 0 ? message : { ...message, attachments };
}

/** Browsers add the character set of a text. */
function typeOf(file: File): string {
  const [type = ""] = file.type.split(";");
  return type === "" ? "application/octet-stream" : type.trim().toLowerCase();
}

function refused(field: string, value: string | File): RuntimeError {
  const known = TEXTS.has(field) || Object.hasOwn(TARGETS, field);
  const wanted = TEXTS.has(field) ? "must be one text" : "must be a file";
  const message = known ? wanted : `unknown field, where a ${typeof value === "string" ? "text" : "file"} stands`;
  return new RuntimeError("invalid_request", `body.${field}: ${message}`, { field: `body.${field}` });
}
