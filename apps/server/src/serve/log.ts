import pino, { type Logger } from "pino";
import pretty from "pino-pretty";

/** Names whose values never reach a log, at any level. */
const SECRET = ["apiKey", "authToken", "authorization", "token", "tokenSecret", "password", "secret", "x-api-key"];
/** Texts of people and agents: nobody needs them to run a server. */
const TEXT = ["content", "delta", "prompt", "systemPrompt"];

const redacted = [...SECRET, ...TEXT].flatMap((name) => {
  const key = /^\w+$/.test(name) ? name : `["${name}"]`;
  const below = key.startsWith("[") ? key : `.${key}`;
  return [key, `*${below}`, `*.*${below}`];
});

/** Structured logs on stderr; for a terminal in a form that people read. */
export function createLog(level: string, stream: NodeJS.WriteStream = process.stderr): Logger {
  const options = { level, base: undefined, redact: { paths: redacted, censor: "[redacted]" } };
  return stream.isTTY
    ? pino(options, pretty({ destination: stream, sync: true, ignore: "pid,hostname" }))
    : pino(options, stream);
}
