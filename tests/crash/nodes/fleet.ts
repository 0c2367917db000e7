import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../../testing/free-port.ts";
import { sandboxPid } from "../../testing/processes.ts";
import type { TestDatabase } from "../../testing/test-database.ts";
import { PersistentClient } from "../persistent-client.ts";
import { lastWords } from "../last-words.ts";
import type { CrashGround } from "../worker.ts";
import { Front } from "./front.ts";
import { NodeUnderFire } from "./node-under-fire.ts";
import { auditWrites } from "./writes-audit.ts";

export interface FleetOptions {
  readonly nodes: number;
  readonly modelUrl: string;
  readonly database: TestDatabase;
  readonly leaseMs: number;
  /** More flags of each server. */
  readonly flags?: readonly string[];
  /** Each has a gateway that is a process of its own. */
  readonly gateway?: boolean;
  readonly random: () => number;
}

/** Who runs a session, by the database. */
export interface Holder {
  readonly nodeId: string | null;
  readonly fence: number;
}

/** Several servers on one database, behind one front. */
export class Fleet extends PersistentClient implements CrashGround, AsyncDisposable {
  readonly nodes: readonly NodeUnderFire[];
  readonly #front: Front;
  readonly #database: TestDatabase;

  private constructor(nodes: readonly NodeUnderFire[], front: Front, database: TestDatabase) {
    super(front.url);
    this.nodes = nodes;
    this.#front = front;
    this.#database = database;
  }

  static async open(options: FleetOptions): Promise<Fleet> {
    const { nodes: count, modelUrl, database, leaseMs, flags = [], gateway = false, random } = options;
    const names = Array.from({ length: count }, (_unused, index) => `node${index}`);
    await makeWriters(database, names);
    const ports = await Promise.all(names.map(freePort));
    const nodes = await Promise.all(
      names.map((name, index) => {
        const persistence = ["--persistence", database.url(name), "--lease-ms", String(leaseMs)];
        return NodeUnderFire.open({
          name,
          port: ports[index] ?? 0,
          modelUrl,
          gateway,
          flags: [...persistence, ...flags],
        });
      }),
    );
    const fleet = new Fleet(nodes, await Front.open(ports, random), database);
    try {
      // At once: whoever is first makes the tables.
      await Promise.all(nodes.map((node) => node.start()));
      await auditWrites(database);
    } catch (error) {
      await fleet[Symbol.asyncDispose]();
      throw error;
    }
    return fleet;
  }

  /** Which node runs which session, and under which fence. */
  async holders(): Promise<Map<string, Holder>> {
    const rows = await this.#database.query<{ session_id: string; node_id: string | null; fence: string | number }>(
      "select session_id, node_id, fence from logs",
    );
    return new Map(rows.map((row) => [row.session_id, { nodeId: row.node_id, fence: Number(row.fence) }]));
  }

  async lastWords(sessionId: string): Promise<string> {
    const holder = JSON.stringify((await this.holders()).get(sessionId));
    const nodes = this.nodes.map((node) => ({
      name: `${node.name} (${node.nodeId})`,
      dataDir: join(node.folder, "data"),
      lines: node.lines(),
    }));
    const words = await Promise.all([this.standing(sessionId).catch(String), lastWords(sessionId, nodes)]);
    return [`held by ${holder}`, ...words].join("\n");
  }

  async fileInSandbox(sessionId: string, path: string): Promise<string> {
    const newest = await this.#newest(sessionId);
    // Where the last turn ended with its sandbox there is what was saved.
    if (newest === undefined) return (await this.persist("GET", `/sessions/${sessionId}/files/${path}`)).text();
    return readFile(join(newest.node.sandboxes, newest.name, "workspace", path), "utf8").catch(() => "");
  }

  /** Ends the session's newest sandbox from outside. */
  async killSandbox(sessionId: string): Promise<void> {
    const newest = await this.#newest(sessionId);
    if (newest === undefined) return;
    try {
      process.kill(await sandboxPid(join(newest.node.folder, "data"), newest.name), "SIGKILL");
    } catch {
      // It has just ended.
    }
  }

  /** It lies with the node that started it, whoever runs the session now. */
  async #newest(sessionId: string): Promise<{ node: NodeUnderFire; name: string } | undefined> {
    const found = await Promise.all(
      this.nodes.map(async (node) => {
        const names = await readdir(node.sandboxes).catch(() => []);
        return names.filter((name) => name.startsWith(`${sessionId}-`)).map((name) => ({ node, name }));
      }),
    );
    const generation = (name: string): number => Number(name.slice(sessionId.length + 1));
    return found
      .flat()
      .toSorted((a, b) => generation(a.name) - generation(b.name))
      .at(-1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#front[Symbol.asyncDispose]();
    await Promise.all(this.nodes.map((node) => node.kill()));
    for (const node of this.nodes) await node[Symbol.asyncDispose]();
  }
}

/** So that the database can tell the nodes' writes apart. */
async function makeWriters(database: TestDatabase, names: readonly string[]): Promise<void> {
  if (database.kind !== "mysql") return;
  const { password } = new URL(database.url());
  for (const name of names) {
    await database.query(`create user if not exists ${name}@'%' identified by '${password}'`);
    await database.query(`grant all on *.* to ${name}@'%'`);
  }
}
