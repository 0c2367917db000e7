import { testsIn } from "./row.ts";

// Where the tests of names are: one function a file, from a title to the test.

// Run by tests/contract/recorded-session.test.ts.
export const recordedAnswers = testsIn("tests/contract/recorded/answers.ts");
export const recordedBlocks = testsIn("tests/contract/recorded/blocks.ts");
export const recordedEvents = testsIn("tests/contract/recorded/events.ts");
export const recordedState = testsIn("tests/contract/recorded/state.ts");
export const placement = testsIn("tests/cluster/placement.test.ts");
export const lapsedNode = testsIn("tests/cluster/lapsed-node.test.ts");
export const nodeTakeover = testsIn("tests/cluster/takeover.test.ts");
export const anyNode = testsIn("tests/cluster/any-node.test.ts");
export const options = testsIn("tests/contract/runtime-options.test.ts");
export const warmPool = testsIn("tests/session/warm-pool.test.ts");
export const servers = testsIn("tests/contract/server-options.test.ts");
export const manager = testsIn("tests/contract/session-manager.test.ts");
export const restErrors = testsIn("tests/contract/rest-errors.test.ts");
export const sync = testsIn("tests/contract/sync.test.ts");
export const unverified = testsIn("tests/contract/unverified-save.test.ts");
export const mainJob = testsIn("tests/main-job/main-job.test.ts");
export const mainJobOnModal = testsIn("tests/main-job/modal.test.ts");
export const founding = testsIn("tests/founding-example/founding-example.test.ts");
export const messages = testsIn("tests/session/messages.test.ts");
export const savedContent = testsIn("tests/session/saved-content.test.ts");
export const resend = testsIn("packages/runner/src/workspace/resend.test.ts");
export const archive = testsIn("tests/session/archive.test.ts");
export const lifecycle = testsIn("tests/session/lifecycle.test.ts");
export const death = testsIn("tests/session/death.test.ts");
export const steering = testsIn("tests/session/steering.test.ts");
export const stuck = testsIn("tests/session/stuck.test.ts");
export const messageRestart = testsIn("tests/session/message-restart.test.ts");
export const sandboxFaults = testsIn("tests/session/sandbox-faults.test.ts");
export const subagents = testsIn("tests/subagents/subagents.test.ts");
export const followedAlone = testsIn("tests/subagents/follow.test.ts");
export const examples = testsIn("examples/examples.test.ts");

export const restList = testsIn("packages/runtime/src/transport/rest/list.test.ts");
export const rest = testsIn("packages/runtime/src/transport/rest/app.test.ts");
export const slowClients = testsIn("packages/runtime/src/transport/slow-clients.test.ts");
export const resyncs = testsIn("tests/client/resync.test.ts");
export const cuts = testsIn("tests/client/random-cuts.test.ts")(
  "followers over WebSocket and SSE hold the server's state, byte for byte (cuts of seed %i)",
);
export const sse = testsIn("packages/runtime/src/transport/sse/event-stream.test.ts");
export const webSocket = testsIn("packages/runtime/src/transport/websocket/transport.test.ts");
export const nodeHandler = testsIn("packages/runtime/src/transport/node-handler.test.ts");
export const auth = testsIn("packages/runtime/src/auth/authentication.test.ts");
export const gateway = testsIn("packages/runtime/src/gateway/gateway.test.ts");
export const log = testsIn("packages/runtime/src/log/session-log.test.ts");
export const closing = testsIn("packages/runtime/src/session/turn-closing.test.ts");
export const externalGateway = testsIn("packages/runtime/src/gateway/external-gateway.test.ts");
export const crashedStreams = testsIn("tests/crash/streams.test.ts");
export const local = testsIn("packages/runtime/src/sandbox/local/local.test.ts");
export const isolation = testsIn("packages/runtime/src/sandbox/local/isolation.test.ts");
export const localLimits = testsIn("packages/runtime/src/sandbox/local/limits/limits.test.ts");
export const refusals = testsIn("packages/runtime/src/sandbox/local/refusals.test.ts");
// Run by packages/runtime/src/sandbox/*/contract.test.ts.
export const sandboxExec = testsIn("packages/testkit/src/sandbox-contract/exec.ts");
export const sandboxFiles = testsIn("packages/testkit/src/sandbox-contract/files.ts");
export const unsafe = testsIn("packages/runtime/src/sandbox/unsafe-process/unsafe-process.test.ts");
export const modal = testsIn("packages/runtime/src/sandbox/modal/modal.test.ts");
export const modalSandbox = testsIn("packages/runtime/src/sandbox/modal/sandbox.test.ts");
export const modalFaults = testsIn("packages/runtime/src/sandbox/modal/faults.test.ts");
export const sandboxLife = testsIn("tests/session/sandbox-life.test.ts");
export const memory = testsIn("packages/runtime/src/persistence/memory/memory.test.ts");
export const postgres = testsIn("packages/runtime/src/persistence/postgres/faults.test.ts");
export const mysql = testsIn("packages/runtime/src/persistence/mysql/faults.test.ts");
export const sqlite = testsIn("packages/runtime/src/persistence/sqlite/faults.test.ts");
export const seed = testsIn("packages/runtime/src/persistence/seed-store.test.ts");

export const reducer = testsIn("packages/protocol/src/reducer/reduce.test.ts");
export const eachBlock = testsIn("packages/protocol/src/reducer/each-block.test.ts");
export const client = testsIn("packages/client/src/client.test.ts");
export const follower = testsIn("packages/client/src/follow/follower.test.ts");
export const socketAddress = testsIn("packages/client/src/follow/socket-address.test.ts");
export const backoff = testsIn("packages/client/src/follow/backoff.test.ts");
export const otherServer = testsIn("packages/runtime/src/sandbox/other-server.test.ts");
export const docker = testsIn("packages/runtime/src/sandbox/docker/docker.test.ts");
export const dockerIsolation = testsIn("packages/runtime/src/sandbox/docker/isolation.test.ts");
export const dockerRefusals = testsIn("packages/runtime/src/sandbox/docker/refusals.test.ts");
export const dockerJob = testsIn("tests/main-job/docker.test.ts");
export const socketBase = testsIn("packages/runtime/src/sandbox/unsafe-process/socket-base.test.ts");

export const link = testsIn("packages/runner/src/link/link.test.ts");
export const runner = testsIn("packages/runner/src/runner.test.ts");
export const runnerLife = testsIn("packages/runner/src/runner-lifecycle.test.ts");
export const runnerMain = testsIn("packages/runner/src/main.test.ts");
export const driver = testsIn("packages/runner/src/claude-agent-sdk/driver.test.ts");
export const failures = testsIn("packages/runner/src/claude-agent-sdk/failures.test.ts");

export const hangs = testsIn("tests/session/store-hangs.test.ts");

export const model = testsIn("packages/testkit/src/scripted-model/anthropic.test.ts");
export const trouble = testsIn("packages/testkit/src/scripted-model/trouble.test.ts");
export const modelHandler = testsIn("packages/testkit/src/scripted-model/handler.test.ts");
export const doubleSandboxes = testsIn("packages/testkit/src/modal-double/sandboxes.test.ts");
export const doubleFaults = testsIn("packages/testkit/src/modal-double/faults.test.ts");
export const doubleImages = testsIn("packages/testkit/src/modal-double/images.test.ts");
export const doubleCommand = testsIn("packages/testkit/src/bin/modal-double.test.ts");
export const modelCommand = testsIn("packages/testkit/src/bin/scripted-model.test.ts");
const contract = "packages/testkit/src/persistence-contract";
export const nineMethods = testsIn(`${contract}/nine-methods.ts`);
export const appends = testsIn(`${contract}/appends.ts`);
export const reads = testsIn(`${contract}/reads.ts`);
export const compactions = testsIn(`${contract}/compactions.ts`);
export const blobs = testsIn(`${contract}/files.ts`);
export const storedSessions = testsIn(`${contract}/sessions.ts`);
// Run by each adapter's tests.
export const storeContract = testsIn("packages/runtime/src/persistence/testing/contract-tests.ts");
export const postgresBus = testsIn("packages/runtime/src/persistence/postgres/bus.test.ts");
export const concurrency = testsIn(`${contract}/concurrency.ts`);
export const leases = testsIn(`${contract}/leases.ts`);
export const commands = testsIn(`${contract}/commands.ts`);
export const lifetime = testsIn(`${contract}/lifetime.ts`);

const supabase = "packages/runtime/src/persistence/supabase";
export const supabaseFaults = testsIn(`${supabase}/faults.test.ts`);
export const supabaseTenants = testsIn(`${supabase}/tenants.test.ts`);

const convex = "packages/runtime/src/persistence/convex";
export const convexFaults = testsIn(`${convex}/faults.test.ts`);
export const convexCopy = testsIn(`${convex}/copy.test.ts`);

export const settings = testsIn("apps/server/src/settings/settings.test.ts");
export const command = testsIn("apps/server/src/command.test.ts");
export const server = testsIn("apps/server/src/serve/server.test.ts");
export const serverLog = testsIn("apps/server/src/serve/log.test.ts");
export const apiKey = testsIn("apps/server/src/serve/api-key.test.ts");
export const doctor = testsIn("apps/server/src/doctor/checks.test.ts");
export const importExport = testsIn("tests/session/import-export.test.ts");
export const forks = testsIn("tests/fork/fork.test.ts");
export const rewinds = testsIn("tests/fork/rewind.test.ts");
export const rewound = testsIn("packages/protocol/src/reducer/rewound.test.ts");
export const forkExample = testsIn("examples/fork/fork.test.ts");
export const archives = testsIn("packages/runtime/src/archive/archive.test.ts");
export const seedRestore = testsIn("packages/runtime/src/persistence/seed-restore.test.ts");
