import * as at from "./files.ts";
import { fieldsOf, tested, type Row } from "./row.ts";

const runtime = "@hhopkins/agent-runtime";
const imported = at.founding("every entry point of the packed packages can be imported in plain Node");

const packages: Row[] = [
  ...tested(
    "entry point",
    [
      runtime,
      `${runtime}-client`,
      `${runtime}-testkit`,
      `${runtime}-protocol`,
      `${runtime}-runner`,
      `${runtime}-runner/manifest`,
    ],
    imported,
  ),
  ...tested("entry point", [`${runtime}/persistence/memory`, `${runtime}/persistence/sqlite`], imported),
  ...tested("entry point", [`${runtime}/persistence/supabase`, `${runtime}/persistence/convex`], imported),
  ...tested(
    "entry point",
    [
      `${runtime}/sandbox/local`,
      `${runtime}/sandbox/unsafe-process`,
      `${runtime}/sandbox/docker`,
      `${runtime}/sandbox/modal`,
    ],
    imported,
  ),
  ...tested("entry point", [`${runtime}/bus/redis`, `${runtime}/bus/nats`], imported),
  ...tested(
    "entry point",
    [`${runtime}-runner/bundle`],
    at.runnerMain(
      "starts from its bundle, dials the server, survives its death, and ends on SIGTERM with everything told",
    ),
  ),
  ...tested(
    "entry point",
    [`${runtime}/persistence/postgres`],
    at.postgres("twenty nodes that start at once on an empty database"),
  ),
  ...tested(
    "entry point",
    [`${runtime}/persistence/mysql`],
    at.mysql("eight nodes that start at once on an empty database"),
  ),
  ...tested(
    "export",
    ["createAgentRuntime", "AgentRuntime", "AgentSession", "PersistenceAdapter"],
    at.founding("its Minimal Server Example type-checks as printed"),
  ),
  ...tested("export", ["SessionManager"], at.manager("createSession, getLoadedSessions, getSession and getState")),
  ...tested(
    "export",
    ["createNodeHandler"],
    at.nodeHandler("bodies over the limit are refused while they come, and the server lives"),
  ),
];

const option = (of: string, names: string, test: Parameters<typeof tested>[2]): Row[] =>
  tested("option", fieldsOf(of, names), test);
const restOptions = at.servers("createRestServer: apiKey, limits, corsOrigins, heartbeatMs, streamMs");
const webSocketOptions = at.servers("createWebSocketServer: paths, limits, allowedOrigins");

const runtimeOptions: Row[] = [
  ...option(
    "createAgentRuntime",
    "persistence dataDir",
    at.options("persistence is a SQLite file in dataDir by default"),
  ),
  ...option(
    "createAgentRuntime",
    "sandbox deployment",
    at.options("sandbox: the given provider is asked, with the deployment's name; its refusal ends the turn"),
  ),
  ...option(
    "createAgentRuntime",
    "modal",
    at.options("modal: its sandboxes are Modal's, and wrong credentials end the turn, not the server"),
  ),
  ...option("createAgentRuntime", "authenticate", at.options("authenticate tells who asks, and tenants are apart")),
  ...option(
    "createAgentRuntime",
    "auth",
    at.options("auth none serves everybody; without it and without a key nobody is served"),
  ),
  ...option(
    "createAgentRuntime",
    "credentials",
    at.options("credentials are asked for by session, and stay outside of the sandbox"),
  ),
  ...option(
    "createAgentRuntime",
    "maxSandboxes",
    at.options("maxSandboxes: a session beyond it is pending, with its place, until another's sandbox ends"),
  ),
  ...option("createAgentRuntime", "maxWaiting", at.placement("one node alone bounds its line, too: maxWaiting")),
  ...option(
    "createAgentRuntime",
    "cluster",
    at.lapsedNode(
      "a node that cannot say that it lives takes nothing new, goes on with what it has, and lets go of what it lost",
    ),
  ),
  ...option(
    "createAgentRuntime",
    "warmPool",
    at.warmPool(
      "a first message takes the sandbox that is ready, which is the session's from then on, and another one is made ready",
    ),
  ),
  ...option(
    "createAgentRuntime",
    "idleTimeoutMs",
    at.options("idleTimeoutMs: an idle session is saved, its sandbox ended, and it is unloaded"),
  ),
  ...option(
    "createAgentRuntime",
    "syncIntervalMs",
    at.options("syncIntervalMs: a nine-method adapter has what a running turn said within it"),
  ),
  ...option(
    "createAgentRuntime",
    "sandboxStartTimeoutMs",
    at.options("sandboxStartTimeoutMs bounds the start of a sandbox"),
  ),
  ...option(
    "createAgentRuntime",
    "harnessStartTimeoutMs",
    at.stuck("harnessStartTimeoutMs: an agent that is not ready within it ends the turn as harness_timeout"),
  ),
  ...option(
    "createAgentRuntime",
    "turnTimeoutMs",
    at.stuck("turnTimeoutMs: a turn over it fails as turn_timeout with a remedy, and the session goes on"),
  ),
  ...option(
    "createAgentRuntime",
    "interruptTimeoutMs",
    at.stuck(
      "with its runner stopped by SIGSTOP: the server ends the turn, then the sandbox; the next message gets a new one",
    ),
  ),
  ...option(
    "createAgentRuntime",
    "shutdownGraceMs",
    at.options("shutdownGraceMs: a running turn may end by itself; without the time it goes on in its sandbox"),
  ),
  ...option(
    "createAgentRuntime",
    "ignoreFiles maxFileBytes",
    at.options("ignoreFiles and maxFileBytes: what is not tracked, and what is listed without its bytes"),
  ),
  ...option("createAgentRuntime", "compactAfterEvents", at.cuts),
  ...option(
    "createAgentRuntime",
    "maxUnsavedBytesPerSession maxUnsavedBytes",
    at.hangs("%s: while a store is slow the rest waits in the sandbox, and comes byte for byte afterwards"),
  ),
  ...option(
    "createAgentRuntime",
    "persistenceTimeoutMs",
    at.hangs(
      "a store that answers nothing: refused at once, readiness says since when, followers are told, and it goes on",
    ),
  ),
  ...option(
    "createAgentRuntime",
    "logger",
    at.options("logger is told what goes wrong, and no key or text of a message"),
  ),
  ...option(
    "createAgentRuntime",
    "gateway",
    at.crashedStreams("with the gateway in a process of its own the answer streams on, and nothing is taken back"),
  ),
  ...tested(
    "export",
    ["serveGateway"],
    at.externalGateway("an answer goes on while servers come and go, and a new one says the same again"),
  ),
  ...option("createAgentRuntime", "bus", at.anyNode("lists are watched over nodes")),
  ...option("createRestServer", "apiKey limits corsOrigins heartbeatMs streamMs", restOptions),
  ...option("limits", "bodyBytes messageBytes", restOptions),
  ...option("limits", "frameBytes", webSocketOptions),
  ...option("createWebSocketServer", "paths limits allowedOrigins", webSocketOptions),
  ...option(
    "createWebSocketServer",
    "heartbeatMs",
    at.servers("createWebSocketServer: heartbeatMs ends a dead client"),
  ),
  ...option(
    "createWebSocketServer",
    "closeMs",
    at.servers("createWebSocketServer: closeMs bounds the wait for who does not answer a close"),
  ),
  ...option(
    "createWebSocketServer",
    "bufferBytes",
    at.webSocket("a stalled client costs its buffer, disturbs nobody, and gets everything later"),
  ),
  ...tested(
    "field",
    fieldsOf("Principal", "id tenant"),
    at.options("authenticate tells who asks, and tenants are apart"),
  ),
  ...tested(
    "field",
    fieldsOf("ModelCredential", "baseUrl apiKey headers"),
    at.gateway("a request goes on with the real key in place of the token, and its answer comes back"),
  ),
  ...tested(
    "field",
    fieldsOf("ModelCredential", "authToken"),
    at.gateway("an auth token goes as a bearer, and the sandbox may show its own token as one too"),
  ),
];

const method = (of: string, names: string, test: Parameters<typeof tested>[2]): Row[] =>
  tested("method", fieldsOf(of, names), test);

const members: Row[] = [
  ...method(
    "runtime",
    "start createRestServer createWebSocketServer sessionManager",
    at.founding(
      "its Minimal Server Example runs as printed: six routes, a clear error without an account, a clean end",
    ),
  ),
  ...method("runtime", "shutdown", at.manager("after shutdown nothing new is taken")),
  ...method(
    "sessionManager",
    "getLoadedSessions createSession",
    at.manager("createSession, getLoadedSessions, getSession and getState"),
  ),
  ...method(
    "sessionManager",
    "getSession loadSession",
    at.manager("a session that is not loaded: getSession throws, loadSession loads, ten at once load one"),
  ),
  ...method(
    "sessionManager",
    "unloadSession",
    at.manager(
      "unloadSession ends the sandbox after saving; a held session answers its last state; a message loads it again",
    ),
  ),
  ...method("session", "sessionId getState", at.manager("createSession, getLoadedSessions, getSession and getState")),
];

const routed = at.client("every method calls its route");
const clientCalls =
  "createSession listSessions getSession sendMessage updateMessage withdrawMessage interrupt stopSubagent sync unload deleteSession updateOptions getBlocks listFiles readFile readArchive exportSession getNetwork getSandbox listProfiles getProfile createProfile replaceProfile deleteProfile";

const clients: Row[] = [
  ...method("client", clientCalls, routed),
  ...method("client", "follow", at.follower("takes a snapshot, joins at its cursor, reduces")),
  ...option("createAgentClient", "baseUrl fetch apiKey", routed),
  ...option("createAgentClient", "wsUrl WebSocket", at.socketAddress("%s")),
  ...option("createAgentClient", "getToken", at.client("tokens are asked for each time; without any nothing is sent")),
  ...option("follow", "onState onEvent onConnection", at.follower("takes a snapshot, joins at its cursor, reduces")),
  ...option("follow", "onError", at.follower("a refused upgrade is explained by REST")),
  ...option("follow", "fromStart", at.follower("folds frames alone and never asks for a snapshot")),
  ...option("follow", "state", at.follower("or from a state that was kept")),
  ...option("follow", "pingMs", at.follower("a line without a word is dead")),
  ...option("follow", "backoff random", at.backoff("a follower waits as it was told, by the chance that it was given")),
  ...method("following", "state status", at.follower("takes a snapshot, joins at its cursor, reduces")),
  ...method("following", "stop ended", at.follower("stop ends at once, whatever is under way")),
];

export const libraryRows: readonly Row[] = [...packages, ...runtimeOptions, ...members, ...clients];
