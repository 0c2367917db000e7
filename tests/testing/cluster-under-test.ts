import { startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { endSandboxes, startServerProcess, type ServerProcess } from "./server-process.ts";
import { testDatabase, type DatabaseKind, type TestDatabase } from "./test-database.ts";

/** Short enough for a test, long enough for a machine that is busy with others. */
export const LEASE_MS = 4000;

/** Server processes on one database, each with a data directory of its own. */
export interface ClusterUnderTest extends AsyncDisposable {
  readonly model: ScriptedModel;
  readonly database: TestDatabase;
  /** Starts the node of this name; one that was there before and has ended is started again. */
  node(
    name: string,
    options?: { flags?: readonly string[]; environment?: Record<string, string>; program?: string },
  ): Promise<ServerProcess>;
  /** Its folder; the data directory is `data` in it. */
  folder(name: string): string;
  /** Who holds the session, with its fence; undefined: nobody. */
  lease(sessionId: string): Promise<{ nodeId: string; fence: number } | undefined>;
  create(server: ServerProcess): Promise<string>;
}

export async function startCluster(kind: DatabaseKind = "postgres"): Promise<ClusterUnderTest> {
  const database = await testDatabase(kind);
  if (typeof database === "string") throw new Error(database);
  const model = await startScriptedModel();
  const folder = await mkdtemp(join(tmpdir(), "cluster-"));
  const servers: ServerProcess[] = [];
  const names = new Set<string>();
  return {
    model,
    database,
    folder: (name) => join(folder, name),
    async node(name, { flags = [], environment = {}, program } = {}) {
      names.add(name);
      await mkdir(join(folder, name), { recursive: true });
      const server = await startServerProcess({
        folder: join(folder, name),
        modelUrl: model.url,
        ...(program === undefined ? {} : { program }),
        flags: [
          "--persistence",
          database.url(),
          "--lease-ms",
          String(LEASE_MS),
          "--sandbox",
          "unsafe-process",
          ...flags,
        ],
        environment,
      });
      servers.push(server);
      return server;
    },
    async lease(sessionId) {
      const [row] = await database.query<{ node_id: string | null; fence: string | number }>(
        `select node_id, fence from ${kind === "postgres" ? "agent_runtime." : ""}logs where session_id = '${sessionId}'`,
      );
      const nodeId = row?.node_id ?? undefined;
      return nodeId === undefined ? undefined : { nodeId, fence: Number(row?.fence) };
    },
    async create(server) {
      const body = { agentProfileRef: "default", architecture: "claude-agent-sdk" };
      for (;;) {
        const response = await server.request("POST", "/sessions/create", body);
        const answer = (await response.json()) as { sessionId: string };
        if (response.status === 201) return answer.sessionId;
        // On a busy machine a node may count as gone for a moment.
        if (response.status !== 503) throw new Error(`create: ${response.status} ${JSON.stringify(answer)}`);
        await delay(200);
      }
    },
    async [Symbol.asyncDispose]() {
      for (const server of servers) await server[Symbol.asyncDispose]();
      for (const name of names) await endSandboxes(join(folder, name));
      await model.close();
      await database[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
