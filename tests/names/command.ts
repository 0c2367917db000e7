import * as at from "./files.ts";
import { profileSourceRows } from "./profile-sources.ts";
import { later, tested, type Row } from "./row.ts";

const everyVariable = at.settings("%s");
const flag = (names: string, test: Parameters<typeof tested>[2]): Row[] => tested("flag", names.split(" "), test);
const limits = at.server("limits go on to the runtime, and modal needs its tokens");
const stopped = at.command("serves until SIGTERM, then ends with 0; meanwhile no other server gets its data");
const wrong = at.command("wrong usage and wrong configuration end with 2, help with 0");

const commands: Row[] = [
  ...tested("command", ["serve"], stopped),
  ...tested("command", ["doctor"], at.doctor("finds what does not, with the remedy")),
  ...tested(
    "command",
    ["gateway"],
    at.command("a gateway serves until SIGTERM; a data directory has one, beside its server"),
  ),
  ...tested(
    "command",
    ["supabase-migrations"],
    at.command("supabase-migrations copies the SQL files, again without harm, and never over others"),
  ),
  ...tested(
    "command",
    ["convex-functions"],
    at.command("convex-functions copies the functions, says what comes next, and overwrites nothing without --force"),
  ),
  ...flag("--host --port", at.server("a taken port and a taken data directory are said, and nothing stays open")),
  ...flag("--data-dir", at.server("sessions and key are there after a restart; memory forgets the sessions")),
  ...flag(
    "--lease-ms",
    at.nodeTakeover(
      "a node is killed in the middle of a turn: another one goes on with the sandbox, and nothing is lost",
    ),
  ),
  ...flag("--max-waiting", limits),
  ...flag("--bus", at.anyNode("lists are watched over nodes")),
  ...flag("--persistence", at.server("sessions and key are there after a restart; memory forgets the sessions")),
  ...flag("--sandbox --idle-timeout-ms --sync-interval-ms --max-sandboxes --warm-pool", limits),
  ...flag(
    "--sandbox-limits",
    at.server("--sandbox-limits are those of the sandboxes, and wrong ones are refused by name"),
  ),
  ...flag("--model", at.server("the model is the real one where its credential is set, or what --model says")),
  ...flag(
    "--gateway",
    at.crashedStreams("with the gateway in a process of its own the answer streams on, and nothing is taken back"),
  ),
  ...tested(
    "flag value",
    ["--gateway internal"],
    at.crashedStreams(
      "an answer that streams through a killed server is taken back and asked for again; no second copy stays",
    ),
  ),
  ...tested(
    "flag value",
    ["--gateway external"],
    at.crashedStreams("with the gateway in a process of its own the answer streams on, and nothing is taken back"),
  ),
  ...flag("--api-key --cors-origin", at.server("--cors-origin lets a page in, --api-key is the key")),
  ...flag("--log-level", at.serverLog("the level is kept; an error comes with its cause")),
  ...flag(
    "--docker-image",
    at.dockerJob(
      "a real agent works in a container; a killed server's successor finds it; its end saves all, and a new one has it",
    ),
  ),
  ...tested(
    "variable",
    [
      "HOST",
      "PORT",
      "DATA_DIR",
      "PERSISTENCE",
      "SANDBOX",
      "DOCKER_IMAGE",
      "MODEL",
      "GATEWAY",
      "API_KEY",
      "IDLE_TIMEOUT_MS",
      "SYNC_INTERVAL_MS",
      "MAX_SANDBOXES",
      "BUS",
      "LEASE_MS",
      "MAX_WAITING",
      "WARM_POOL",
      "SANDBOX_LIMITS",
      "CORS_ORIGIN",
      "LOG_LEVEL",
    ].map((name) => `AGENT_RUNTIME_${name}`),
    everyVariable,
  ),
  ...tested(
    "variable",
    ["MODAL_APP_NAME"],
    at.mainJobOnModal(
      "the whole job on Modal: an agent works, its files are kept, and a new sandbox goes on with both",
    ),
  ),
  ...tested(
    "variable",
    ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"],
    at.gateway("credentials from the environment"),
  ),
  ...tested("variable", ["MODAL_TOKEN_ID", "MODAL_TOKEN_SECRET"], limits),
  ...tested(
    "configuration file",
    ["agent-runtime.config.ts"],
    at.settings("flag before environment before file before default"),
  ),
  ...tested(
    "configuration file",
    ["agent-runtime.config.ts profiles"],
    at.server("profiles of the configuration are those that sessions can name"),
  ),
  ...tested("exit code", ["0"], stopped),
  ...tested("exit code", ["1"], at.command("a taken port ends with 1 and one line")),
  ...tested("exit code", ["2"], wrong),
  ...tested(
    "flag value",
    ["--persistence sqlite", "--persistence memory"],
    at.server("sessions and key are there after a restart; memory forgets the sessions"),
  ),
  ...tested(
    "flag value",
    ["--persistence postgres://", "--persistence mysql://"],
    at.anyNode("a turn is followed on both nodes, by WebSocket and SSE: the same events, without hole or double"),
  ),
  ...tested(
    "flag value",
    ["--sandbox local"],
    at.mainJob(
      "a real agent works in a real sandbox; a client that folds frames has the server's state; a restart keeps it all",
    ),
  ),
  ...tested(
    "flag value",
    ["--sandbox unsafe-process"],
    at.server("the welcome shows a key once, and warns of what is not fenced"),
  ),
  ...tested("flag value", ["--sandbox modal"], limits),
  ...tested(
    "flag value",
    ["--sandbox docker"],
    at.dockerJob(
      "a real agent works in a container; a killed server's successor finds it; its end saves all, and a new one has it",
    ),
  ),
  ...tested(
    "flag value",
    ["--model real", "--model scripted"],
    at.server("the model is the real one where its credential is set, or what --model says"),
  ),
  ...tested(
    "file",
    ["gateway.json"],
    at.externalGateway("a gateway that was away is told again which sandboxes there are"),
  ),
  ...tested("file", ["api-key"], at.apiKey("a key is made once, kept with mode 0600, and found again")),
  ...tested(
    "profile",
    ["default"],
    at.founding(
      "its Minimal Server Example runs as printed: six routes, a clear error without an account, a clean end",
    ),
  ),
  ...tested("page", ["/"], at.server("serves the console, the API and the socket, each with its fence")),
];

const turn = at.model("a streamed answer: thinking, text, tools, in Anthropic's events");
const step = (names: string, test: Parameters<typeof tested>[2]): Row[] =>
  tested(
    "step",
    names.split(" ").map((name) => `step.${name}`),
    test,
  );

const scriptedModel: Row[] = [
  ...step(
    "text thinking tools tools.name tools.input usage usage.input usage.output usage.cacheRead usage.cacheWrite",
    turn,
  ),
  ...step("chunk", at.model("chunk cuts by characters, not through them")),
  ...step("delayMs", at.trouble("delayMs: deltas come one by one, and its timer ends when the client leaves")),
  ...step("firstMs", at.trouble("firstMs: nothing comes before it")),
  ...step("error error.status error.type error.message error.retryAfter", at.trouble("an error with all its fields")),
  ...step("error.times", at.trouble("an error for some tries, for each session on its own")),
  ...step("hang", at.trouble("hang never answers, and ends when the client leaves")),
  ...step("hang.times", at.trouble("hang for one try")),
  ...step("dropAfter", at.trouble("dropAfter %i")),
  ...step("dropAfter.deltas dropAfter.times", at.trouble("dropAfter for one try, and for a whole answer")),
  ...tested(
    "export",
    ["startScriptedModel", "script"],
    at.modelHandler("requests are kept with what tests look for, the last ones only"),
  ),
  ...tested("export", ["persistenceContract"], at.storeContract("%s")),
  ...tested("command", ["agent-runtime-scripted-model"], at.modelCommand("serves until %s")),
  ...later("behaviour", ["scripted model in OpenAI's and Gemini's formats"], "later"),
];

export const commandRows: readonly Row[] = [...profileSourceRows, ...commands, ...scriptedModel];
