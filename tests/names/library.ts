import * as at from "./files.ts";
import { fieldsOf, later, tested, type Row } from "./row.ts";

const runtime = "@hhopkins/agent-runtime";
const imported = at.founding("every entry point of the packed packages can be imported in plain Node");

const packages: Row[] = [
  ...tested("entry point", [runtime, `${runtime}-client`, `${runtime}-testkit`, `${runtime}-protocol`, `${runtime}-runner`, `${runtime}-runner/manifest`], imported),
  ...tested("entry point", [`${runtime}/persistence/memory`, `${runtime}/persistence/sqlite`], imported),
  ...tested("entry point", [`${runtime}/sandbox/local`, `${runtime}/sandbox/unsafe-process`, `${runtime}/sandbox/modal`], imported),
  ...tested("entry point", [`${runtime}-runner/bundle`], at.runnerMain("starts from its bundle, dials the server, survives its death, and ends on SIGTERM with everything told")),
  ...later("entry point", [`${runtime}/persistence/postgres`, `${runtime}/persistence/mysql`, `${runtime}/persistence/supabase`, `${runtime}/persistence/convex`], "stores"),
  ...later("entry point", [`${runtime}/sandbox/docker`], "sandboxes"),
  ...later("entry point", [`${runtime}-react`], "react"),
  ...tested("export", ["createAgentRuntime", "AgentRuntime", "AgentSession", "PersistenceAdapter"], at.founding("its Minimal Server Example type-checks as printed")),
  ...tested("export", ["SessionManager"], at.manager("createSession, getLoadedSessions, getSession and getState")),
  ...tested("export", ["createNodeHandler"], at.nodeHandler("bodies over the limit are refused while they come, and the server lives")),
];

const option = (of: string, names: string, test: Parameters<typeof tested>[2]): Row[] => tested("option", fieldsOf(of, names), test);
const restOptions = at.servers("createRestServer: apiKey, limits, corsOrigins, heartbeatMs, streamMs");
const webSocketOptions = at.servers("createWebSocketServer: paths, limits, allowedOrigins");

const runtimeOptions: Row[] = [
  ...option("createAgentRuntime", "persistence dataDir", at.options("persistence is a SQLite file in dataDir by default")),
  ...option("createAgentRuntime", "sandbox deployment", at.options("sandbox: the given provider is asked, with the deployment's name; its refusal ends the turn")),
  ...option("createAgentRuntime", "modal", at.options("modal: its sandboxes are Modal's, and wrong credentials end the turn, not the server")),
  ...option("createAgentRuntime", "authenticate", at.options("authenticate tells who asks, and tenants are apart")),
  ...option("createAgentRuntime", "auth", at.options("auth none serves everybody; without it and without a key nobody is served")),
  ...option("createAgentRuntime", "credentials", at.options("credentials are asked for by session, and stay outside of the sandbox")),
  ...option("createAgentRuntime", "maxSandboxes", at.options("maxSandboxes: a session beyond it is pending, with its place, until another's sandbox ends")),
  ...option("createAgentRuntime", "idleTimeoutMs", at.options("idleTimeoutMs: an idle session is saved, its sandbox ended, and it is unloaded")),
  ...option("createAgentRuntime", "syncIntervalMs", at.options("syncIntervalMs: a nine-method adapter has what a running turn said within it")),
  ...option("createAgentRuntime", "sandboxStartTimeoutMs", at.options("sandboxStartTimeoutMs bounds the start of a sandbox")),
  ...option("createAgentRuntime", "shutdownGraceMs", at.options("shutdownGraceMs: a running turn may end by itself; without the time it goes on in its sandbox")),
  ...option("createAgentRuntime", "ignoreFiles maxFileBytes", at.options("ignoreFiles and maxFileBytes: what is not tracked, and what is listed without its bytes")),
  ...option("createAgentRuntime", "logger", at.options("logger is told what goes wrong, and no key or text of a message")),
  ...later("option", ["createAgentRuntime.gateway.publicUrl"], "sandboxes"),
  ...later("option", ["createAgentRuntime.tools"], "profiles"),
  ...later("option", ["createAgentRuntime.bus"], "stores"),
  ...option("createRestServer", "apiKey limits corsOrigins heartbeatMs streamMs", restOptions),
  ...option("limits", "bodyBytes messageBytes", restOptions),
  ...option("limits", "frameBytes", webSocketOptions),
  ...option("createWebSocketServer", "paths limits allowedOrigins", webSocketOptions),
  ...option("createWebSocketServer", "heartbeatMs", at.servers("createWebSocketServer: heartbeatMs ends a dead client")),
  ...option("createWebSocketServer", "closeMs", at.servers("createWebSocketServer: closeMs bounds the wait for who does not answer a close")),
  ...option("createWebSocketServer", "bufferBytes", at.webSocket("a stalled client costs its buffer, disturbs nobody, and gets everything later")),
  ...tested("field", fieldsOf("Principal", "id tenant"), at.options("authenticate tells who asks, and tenants are apart")),
  ...tested("field", fieldsOf("ModelCredential", "baseUrl apiKey"), at.gateway("a request goes on with the real key in place of the token, and its answer comes back")),
  ...tested("field", fieldsOf("ModelCredential", "authToken headers"), at.gateway("an auth token goes as a bearer, and the sandbox may show its own token as one too")),
];

const method = (of: string, names: string, test: Parameters<typeof tested>[2]): Row[] => tested("method", fieldsOf(of, names), test);

const members: Row[] = [
  ...method("runtime", "start createRestServer createWebSocketServer sessionManager", at.founding("its Minimal Server Example runs as printed: six routes, a clear error without an account, a clean end")),
  ...method("runtime", "shutdown", at.manager("after shutdown nothing new is taken")),
  ...method("sessionManager", "getLoadedSessions createSession", at.manager("createSession, getLoadedSessions, getSession and getState")),
  ...method("sessionManager", "getSession loadSession", at.manager("a session that is not loaded: getSession throws, loadSession loads, ten at once load one")),
  ...method("sessionManager", "unloadSession", at.manager("unloadSession ends the sandbox after saving; a held session answers its last state; a message loads it again")),
  ...method("session", "sessionId getState", at.manager("createSession, getLoadedSessions, getSession and getState")),
];

const stores: Row[] = [
  ...method("persistence", "listAllSessions loadSession createSessionRecord", at.nineMethods("nine methods: a record comes back as it was given")),
  ...method("persistence", "updateSessionRecord", at.nineMethods("nine methods: an update changes the fields that it names")),
  ...method("persistence", "saveTranscript", at.nineMethods("nine methods: the transcript is the last one that was saved")),
  ...method("persistence", "saveWorkspaceFile deleteSessionFile", at.nineMethods("nine methods: a file is replaced, and deleted")),
  ...method("persistence", "listAgentProfiles loadAgentProfile", at.nineMethods("nine methods: every listed profile can be loaded")),
  ...method("persistence", "store", at.seed("an adapter's own store is used as it is")),
  ...method("persistence", "open close", at.lifetime("reopened: everything is as it was")),
  ...method("store", "create head", at.appends("create: the session is there with its first events")),
  ...method("store", "append", at.appends("append: of twenty writers at once each event has a number of its own")),
  ...method("store", "events", at.reads("events: pages by cursor, without hole or double")),
  ...method("store", "blocks", at.reads("blocks: pages backwards, oldest first")),
  ...method("store", "block", at.reads("blocks: an old one is changed where it stands")),
  ...method("store", "files", at.blobs("files: put, replaced, deleted, listed by path")),
  ...method("store", "blob blobSize", at.blobs("blobs: pieces in any order make the whole, byte for byte")),
  ...method("store", "transcript", at.reads("transcript: lines come in the order of their appending, over many appends")),
  ...method("store", "message", at.reads("messages: found by id and by idempotency key")),
  ...method("store", "list", at.storedSessions("list: newest activity first, creation where there was none, with the runtime")),
  ...method("store", "claimed", at.storedSessions("claimed: sessions that are loaded, and those with a sandbox")),
  ...method("store", "delete", at.storedSessions("delete: leaves nothing of the session, and everything of the others")),
  ...method("store", "flush", at.seed("messages and turn ends are saved before their append resolves; deltas within the interval")),
  ...later("method", ["store.lease"], "stores"),
  ...option("sqlitePersistence", "file", at.options("persistence is a SQLite file in dataDir by default")),
  ...option("sqlitePersistence", "synchronous", at.sqlite("synchronous: full waits for the disk")),
  ...option("sqlitePersistence", "profiles", at.examples("minimal-server: adapters and a profile of one's own; everything is there after a restart")),
  ...option("memoryPersistence", "profiles", at.memory("profiles are checked, and stand in for the default one")),
];

const sandboxes: Row[] = [
  ...method("sandboxProvider", "name create list", at.local("a server that dies between the start and the record of it leaves nothing that is not found")),
  ...method("sandboxProvider", "attach close", at.local("it outlives the server that made it; the next one attaches, listens again, and ends it")),
  ...method("sandboxProvider", "probe", at.refusals("the probe starts a real sandbox and leaves nothing")),
  ...method("sandbox", "id ref", at.local("what identifies it is plain, private to the server, and free of the environment's values")),
  ...method("sandbox", "accept", at.local("sockets stay reachable inside after the listener was closed and opened again")),
  ...method("sandbox", "status release", at.local("it outlives the server that made it; the next one attaches, listens again, and ends it")),
  ...method("sandbox", "terminate", at.local("terminate ends everything, grandchildren in sessions of their own too, and removes the disk")),
  ...method("sandbox", "ended", at.local("its end is told with the exit code and the last lines of its log, from a later server too")),
  ...later("method", fieldsOf("sandbox", "extend endpoint snapshot setNetwork"), "sandboxes"),
  ...option("hostSandbox", "dataDir pollMs", at.unsafe("it is found again by another server, and ended with all that it has started")),
  ...option("hostSandbox", "keepDeadMs now socketBase", at.local("after an end that nobody saw the same key starts again on the same disk; the disk goes after its time")),
  ...option("localSandbox", "path", at.refusals("without bubblewrap: the remedy, and never less isolation")),
  ...option("localSandbox", "tmpBytes", at.isolation("only workspace, home, state and the sized /tmp and /dev/shm can be written")),
  ...option("localSandbox", "startTimeoutMs", at.refusals("a bubblewrap that hangs: an end after the deadline, or when it is called off")),
  ...option("modalSandbox", "tokenId tokenSecret appName", at.modal("credentials that Modal refuses: what to check, and never the token")),
  ...option("modalSandbox", "timeoutMs", at.modal("no network, or a Modal that does not answer: said within the deadline")),
  ...option("modalSandbox", "sdk", at.modal("a package that is missing, or the unrelated one of the same name: the install command")),
];

const routed = at.client("every method calls its route");
const clientCalls = "createSession listSessions getSession sendMessage updateMessage withdrawMessage interrupt sync unload deleteSession updateOptions getBlocks listFiles readFile listProfiles";

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
  ...option("follow", "backoff random", at.follower("a server that is away is waited for")),
  ...method("following", "state status", at.follower("takes a snapshot, joins at its cursor, reduces")),
  ...method("following", "stop ended", at.follower("stop ends at once, whatever is under way")),
];

export const libraryRows: readonly Row[] = [...packages, ...runtimeOptions, ...members, ...stores, ...sandboxes, ...clients];
