import { RuntimeError, type ErrorCode } from "@hhopkins/agent-runtime-protocol";

const COPY = "copy them with `agent-runtime convex-functions`, then deploy them with `npx convex deploy`";

/** What our functions say by their errors' data, and what can be done about it. */
const REFUSALS: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  no_secret: [
    "invalid_configuration",
    "the deployment has no secret of 32 characters or more: set it with `npx convex env set AGENT_RUNTIME_SECRET …`",
  ],
  wrong_secret: [
    "invalid_configuration",
    "secret: the deployment has another one: see `npx convex env get AGENT_RUNTIME_SECRET`",
  ],
  no_tables: [
    "invalid_configuration",
    "the deployment lacks our tables: spread `agentRuntimeTables` of `agentRuntime/schema` into the schema in convex/schema.ts, and deploy it",
  ],
};

/** What Convex says in words, and what can be done about it. */
const WORDS: readonly (readonly [RegExp, ErrorCode, string])[] = [
  [/Could not find (public )?function/, "invalid_configuration", `the deployment lacks our functions: ${COPY}`],
  [
    /ArgumentValidationError/,
    "invalid_configuration",
    `the deployment has other functions than this version's: ${COPY}`,
  ],
  [
    /limit: |too large|Too many (bytes|documents|reads|writes)|exceeds the maximum|maximum size/i,
    "persistence_unavailable",
    "it is more than Convex takes in one transaction",
  ],
  [
    /OptimisticConcurrencyControlFailure|changed while this mutation was being run/,
    "persistence_unavailable",
    "others wrote to the same documents all the time: try again",
  ],
];

/** Codes of connections that never were. */
const UNREACHABLE = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ECONNRESET|CERT|UND_ERR/;

/** What the client threw, with its remedy; a `RuntimeError` stays what it is. */
export function convexError(error: unknown, url: string): RuntimeError {
  if (error instanceof RuntimeError) return error;
  const said = sayOf(error, url);
  return new RuntimeError(said.code, `Convex at ${url}: ${said.message}`, { cause: error });
}

function sayOf(error: unknown, url: string): { code: ErrorCode; message: string } {
  const text = error instanceof Error ? error.message : String(error);
  const [refusal, reason] = refusalOf(error);
  const known = refusal === undefined ? undefined : REFUSALS[refusal];
  if (known !== undefined)
    return { code: known[0], message: reason === undefined ? known[1] : `${known[1]} (${reason})` };
  const words = WORDS.find(([pattern]) => pattern.test(text));
  if (words !== undefined) return { code: words[1], message: `${words[2]} (${firstLine(text)})` };
  return { code: "persistence_unavailable", message: connectionOf(error, url) ?? firstLine(text) };
}

function refusalOf(error: unknown): [code: string | undefined, reason: string | undefined] {
  const data: unknown = error instanceof Error && "data" in error ? error.data : undefined;
  if (typeof data !== "object" || data === null || !("agentRuntime" in data)) return [undefined, undefined];
  return [String(data.agentRuntime), "reason" in data ? String(data.reason) : undefined];
}

function connectionOf(error: unknown, url: string): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === "TimeoutError") return "it does not answer in time";
  if (error instanceof SyntaxError || error.message.startsWith("Invalid response")) return notConvex(url);
  if (/^\s*</.test(error.message)) return notConvex(url);
  const code = codeOf(error);
  if (code === undefined || !UNREACHABLE.test(code)) return undefined;
  return `it cannot be reached: is the url right, and does the deployment run? (${code})`;
}

function codeOf(error: Error): string | undefined {
  const { cause } = error;
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
}

function notConvex(url: string): string {
  const actions = new URL(url).hostname.endsWith(".convex.site") ? ": this is the address of HTTP actions" : "";
  return `what answers there is no Convex deployment${actions}. The url ends with .convex.cloud, or is your own server's`;
}

function firstLine(text: string): string {
  return text.replace(/\s+/g, " ").slice(0, 300);
}
