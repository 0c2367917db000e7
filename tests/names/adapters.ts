import * as at from "./files.ts";
import { fieldsOf, tested, type Row } from "./row.ts";

const option = (of: string, names: string, test: Parameters<typeof tested>[2]): Row[] =>
  tested("option", fieldsOf(of, names), test);
const method = (of: string, names: string, test: Parameters<typeof tested>[2]): Row[] =>
  tested("method", fieldsOf(of, names), test);

const stores: Row[] = [
  ...method(
    "persistence",
    "listAllSessions loadSession createSessionRecord",
    at.nineMethods("nine methods: a record comes back as it was given"),
  ),
  ...method(
    "persistence",
    "updateSessionRecord",
    at.nineMethods("nine methods: an update changes the fields that it names"),
  ),
  ...method(
    "persistence",
    "saveTranscript",
    at.nineMethods("nine methods: the transcript is the last one that was saved"),
  ),
  ...method(
    "persistence",
    "saveWorkspaceFile deleteSessionFile",
    at.nineMethods("nine methods: a file is replaced, and deleted"),
  ),
  ...method(
    "persistence",
    "listAgentProfiles loadAgentProfile",
    at.nineMethods("nine methods: every listed profile can be loaded"),
  ),
  ...method("persistence", "store", at.seed("an adapter's own store is used as it is")),
  ...method("persistence", "open close", at.lifetime("reopened: everything is as it was")),
  ...method("store", "create head", at.appends("create: the session is there with its first events")),
  ...method("store", "append", at.concurrency("append: of twenty writers at once each event has a number of its own")),
  ...method("store", "events", at.reads("events: pages by cursor, without hole or double")),
  ...method(
    "store",
    "compact",
    at.compactions("compact: what is dropped is gone, and the event after it stands for it"),
  ),
  ...method("store", "blocks", at.reads("blocks: pages backwards, oldest first")),
  ...method("store", "block", at.reads("blocks: an old one is changed where it stands")),
  ...method("store", "files", at.blobs("files: put, replaced, deleted, listed by path")),
  ...method(
    "store",
    "checkpoints filesAt",
    at.blobs("checkpoints: the files of each stay as they were, whatever becomes of them"),
  ),
  ...method("store", "blob blobSize", at.blobs("blobs: pieces in any order make the whole, byte for byte")),
  ...method(
    "store",
    "transcript",
    at.reads("transcript: lines come in the order of their appending, over many appends"),
  ),
  ...method("store", "message", at.reads("messages: found by id and by idempotency key")),
  ...method(
    "store",
    "list",
    at.storedSessions("list: newest activity first, creation where there was none, with the runtime"),
  ),
  ...method("store", "claimed", at.storedSessions("claimed: sessions that are loaded, and those with a sandbox")),
  ...method(
    "store",
    "delete",
    at.storedSessions("delete: leaves nothing of the session, and everything of the others"),
  ),
  ...method(
    "store",
    "flush",
    at.seed("messages and turn ends are saved before their append resolves; deltas within the interval"),
  ),
  ...method(
    "store",
    "cluster",
    at.memory("a memory of its own has no cluster; a shared one's adapters are closed one by one"),
  ),
  ...method(
    "cluster",
    "heartbeat leave",
    at.leases("nodes: who says that it lives is seen as it said, until it leaves or its time is over"),
  ),
  ...method(
    "cluster",
    "bus",
    at.postgresBus("what one node says all hear, itself too, until they stop; other schemas hear nothing"),
  ),
  ...method(
    "cluster",
    "claim lease",
    at.leases("leases: a session has none before it is claimed; who claims it has it, and keeps it"),
  ),
  ...method(
    "cluster",
    "release",
    at.leases("leases: what is given back is the lease that was meant, and no later one"),
  ),
  ...method("cluster", "leases", at.leases("leases: all that a node holds, and none once it has left")),
  ...method("cluster", "abandoned", at.leases("abandoned: what somebody should run and nobody living does")),
  ...method("cluster", "tails", at.leases("tails: where each log ends, in the order of the question")),
  ...method(
    "cluster",
    "send waiting",
    at.commands("commands: wait for the node that runs the session, as they were sent"),
  ),
  ...method(
    "cluster",
    "answer answers forget",
    at.commands("answers: the first one counts, in the order of the question, until it is forgotten"),
  ),
  ...option("sqlitePersistence", "file", at.options("persistence is a SQLite file in dataDir by default")),
  ...option(
    "postgresPersistence",
    "connectionString",
    at.postgres("a wrong password, a user that is not there, a database that is not there"),
  ),
  ...option(
    "postgresPersistence",
    "connection profiles",
    at.postgres("an account by its parts, with a password that is asked for, and profiles of one's own"),
  ),
  ...option(
    "postgresPersistence",
    "schema",
    at.postgres("a user without rights is told which; with a schema of its own it works"),
  ),
  ...option(
    "postgresPersistence",
    "max connectTimeoutMs",
    at.postgres("a pool whose connections are all busy says what to do, and works again afterwards"),
  ),
  ...option(
    "postgresPersistence",
    "statementTimeoutMs",
    at.postgres("a statement that takes too long is given up, and leaves nothing"),
  ),
  ...option(
    "mysqlPersistence",
    "uri",
    at.mysql("a user without rights is told so; with those on its database alone it works"),
  ),
  ...option(
    "mysqlPersistence",
    "connection profiles",
    at.mysql("an account by its parts, profiles of one's own, and a pool of one"),
  ),
  ...option(
    "mysqlPersistence",
    "max connectTimeoutMs",
    at.mysql("a pool whose connections are all busy says what to do, and works again afterwards"),
  ),
  ...option(
    "mysqlPersistence",
    "statementTimeoutMs",
    at.mysql("a statement that takes too long is given up, and leaves nothing"),
  ),
  ...option("sqlitePersistence", "synchronous", at.sqlite("synchronous: full waits for the disk")),
  ...option(
    "sqlitePersistence",
    "profiles",
    at.examples("minimal-server: adapters and a profile of one's own; everything is there after a restart"),
  ),
  ...option(
    "memoryPersistence",
    "memory",
    at.memory("a memory of its own has no cluster; a shared one's adapters are closed one by one"),
  ),
  ...option(
    "sharedMemory",
    "now",
    at.memory("a shared memory's clock is the one it was given: leases end by it, answers are swept by it"),
  ),
  ...option("supabasePersistence", "url", at.supabaseFaults("a wrong address: nobody there, or somebody else")),
  ...option("supabasePersistence", "key", at.supabaseFaults("a wrong key, and a token that is over")),
  ...option(
    "supabasePersistence",
    "schema",
    at.supabaseFaults("schema: the functions may be in another one, which must be exposed"),
  ),
  ...option(
    "supabasePersistence",
    "callTimeoutMs",
    at.supabaseFaults("callTimeoutMs: a call that gets no answer is given up"),
  ),
  ...option("supabasePersistence", "profiles", at.supabaseFaults("options that cannot be are refused by name")),
  ...option("supabasePersistence", "client", at.supabaseTenants("cannot be read by any method")),
  ...option(
    "supabasePersistence",
    "cluster",
    at.supabaseTenants("cluster: a tenant's token is for one server alone, and the others are told so"),
  ),
  ...option(
    "convexPersistence",
    "url",
    at.convexFaults("a url that is none, and a secret that is too short, are named"),
  ),
  ...option("convexPersistence", "secret", at.convexFaults("no function does anything without the secret")),
  ...option("convexPersistence", "profiles", at.convexFaults("profiles are listed, and checked")),
  ...option(
    "convexPersistence",
    "cluster",
    at.convexFaults("servers that share a deployment are asked for: without cluster it has none of it"),
  ),
  ...option(
    "copyConvexFunctions",
    "folder",
    at.convexCopy("a folder of another name is refused: the adapter would not find them"),
  ),
  ...option(
    "copyConvexFunctions",
    "force",
    at.convexCopy("a file that was changed is not overwritten without force, and then nothing is"),
  ),
  ...option("memoryPersistence", "profiles", at.memory("profiles are checked, and stand in for the default one")),
];

const sandboxes: Row[] = [
  ...method(
    "sandboxProvider",
    "name create list",
    at.local("a server that dies between the start and the record of it leaves nothing that is not found"),
  ),
  ...method(
    "sandboxProvider",
    "attach close",
    at.local("it outlives the server that made it; the next one attaches, listens again, and ends it"),
  ),
  ...method(
    "sandboxProvider",
    "place",
    at.otherServer(
      "attaches to a sandbox whose server still holds it, and keeps it when that one lets go and starts again",
    ),
  ),
  ...method("sandboxProvider", "describe", at.doctor("a sandbox that works: what holds its limits, and what does not")),
  ...method("sandboxProvider", "probe", at.refusals("the probe starts a real sandbox and leaves nothing")),
  ...method(
    "sandbox",
    "id ref",
    at.local("what identifies it is plain, private to the server, and free of the environment's values"),
  ),
  ...method(
    "sandbox",
    "accept",
    at.local("sockets stay reachable inside after the listener was closed and opened again"),
  ),
  ...method(
    "sandbox",
    "status release",
    at.local("it outlives the server that made it; the next one attaches, listens again, and ends it"),
  ),
  ...method(
    "sandbox",
    "terminate",
    at.local("terminate ends everything, grandchildren in sessions of their own too, and removes the disk"),
  ),
  ...method(
    "sandbox",
    "ended",
    at.local("its end is told with the exit code and the last lines of its log, from a later server too"),
  ),
  ...method("sandbox", "exec", at.sandboxExec("exec: both outputs and the exit code")),
  ...method("sandbox", "readFile", at.sandboxFiles("files: bytes of every value, none at all, and 8 MiB")),
  ...method("sandbox", "writeFile", at.sandboxFiles("files: the mode that was asked for, 0644 without")),
  ...method(
    "sandbox",
    "sockets",
    at.crashedStreams("with the gateway in a process of its own the answer streams on, and nothing is taken back"),
  ),
  ...method(
    "sandbox",
    "snapshot setNetwork",
    at.modalFaults("hosts beside the gateway are Modal's allowlist, also later; a snapshot is an image"),
  ),
  ...method(
    "sandbox",
    "moveAfter",
    at.sandboxLife(
      "a session leaves a sandbox whose life ends soon between turns, with files and conversation, and stays loaded",
    ),
  ),
  ...option(
    "hostSandbox",
    "dataDir pollMs",
    at.unsafe("it is found again by another server, and ended with all that it has started"),
  ),
  ...option(
    "hostSandbox",
    "keepDeadMs now",
    at.local("after an end that nobody saw the same key starts again on the same disk; the disk goes after its time"),
  ),
  ...option(
    "hostSandbox",
    "socketBase",
    at.socketBase("the sockets' folders are made where socketBase says, and go with their sandbox"),
  ),
  ...option("localSandbox", "path", at.refusals("without bubblewrap: the remedy, and never less isolation")),
  ...option(
    "localSandbox",
    "tmpBytes",
    at.isolation("only workspace, home, state and the sized /tmp and /dev/shm can be written"),
  ),
  ...option(
    "localSandbox",
    "limits",
    at.server("--sandbox-limits are those of the sandboxes, and wrong ones are refused by name"),
  ),
  ...option(
    "localSandbox",
    "startTimeoutMs",
    at.refusals("a bubblewrap that hangs: an end after the deadline, or when it is called off"),
  ),
  ...option(
    "dockerSandbox",
    "dataDir",
    at.docker("a server that shares the engine sees none of another's, and may use the same keys"),
  ),
  ...option(
    "dockerSandbox",
    "image pull",
    at.dockerRefusals("an image that is not there: how to fetch it, or why fetching it failed"),
  ),
  ...option(
    "dockerSandbox",
    "limits",
    at.dockerIsolation("limits: each is hit, says so, and does not reach a neighbour"),
  ),
  ...option(
    "dockerSandbox",
    "tmpBytes",
    at.dockerIsolation("only workspace, home, state and the sized /tmp, /var/tmp and /dev/shm can be written"),
  ),
  ...option(
    "dockerSandbox",
    "network seccomp",
    at.dockerRefusals("a seccomp profile and a network of the operator's own"),
  ),
  ...option(
    "dockerSandbox",
    "socketBase",
    at.dockerRefusals("folders of the sockets are made where socketBase says, and go with their sandbox"),
  ),
  ...option(
    "dockerSandbox",
    "keepDeadMs now",
    at.docker(
      "after an end that nobody saw the same key starts again on the same disk; what is left goes after its time",
    ),
  ),
  ...option(
    "dockerSandbox",
    "host dockerode",
    at.dockerRefusals("no engine, no permission, no package, no address: the remedy, and never less isolation"),
  ),
  ...option("dockerSandbox", "timeoutMs", at.dockerRefusals("an engine that hangs: an end after the time")),
  ...option(
    "modalSandbox",
    "tokenId tokenSecret appName",
    at.modal("credentials that Modal refuses: what to check, and never the token"),
  ),
  ...option(
    "modalSandbox",
    "cpu memoryMiB region gpu",
    at.modalSandbox("a sandbox has what was asked for, its runner dials in, and nothing of it is left after its end"),
  ),
  ...option(
    "modalSandbox",
    "image timeoutMs idleTimeoutMs",
    at.modalSandbox(
      "image, life and idle time are Modal's; a harness's packages and the profile's wishes are layers, made once",
    ),
  ),
  ...option(
    "modalSandbox",
    "allowedHosts",
    at.modalFaults("hosts beside the gateway are Modal's allowlist, also later; a snapshot is an image"),
  ),
  ...option("modalSandbox", "pollMs", at.modalFaults("a sandbox that vanishes is gone, and says so by itself")),
  ...option(
    "modalSandbox",
    "requestTimeoutMs",
    at.modal("no network, or a Modal that does not answer: said within the deadline"),
  ),
  ...option(
    "modalSandbox",
    "sdk",
    at.modal("a package that is missing, or the unrelated one of the same name: the install command"),
  ),
];

export const adapterRows: readonly Row[] = [...stores, ...sandboxes];
