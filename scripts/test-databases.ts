import { chmod, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startMariadb } from "./mariadb-server.ts";
import { startNats, startRedis } from "./bus-servers.ts";
import { startPostgres } from "./postgres-server.ts";

/** A server of databases, with an account that may do everything in it. */
interface DatabaseServer {
  readonly url: string;
  readonly version: string;
  stop(): Promise<void>;
}

/** What tests are told: where it is, or why there is none. */
type Answer = { readonly url: string; readonly version: string } | { readonly none: string };

/** Servers that tests can ask for, by name: each gets a folder of its own. */
const SERVERS: Readonly<Record<string, (folder: string) => Promise<DatabaseServer>>> = {
  postgres: startPostgres,
  mariadb: startMariadb,
  redis: startRedis,
  nats: startNats,
};

/**
 * Database servers for one run of tests, each started when a test first asks: whoever connects to the socket whose path
 * is in AGENT_RUNTIME_TEST_DATABASES and writes a name and a line's end gets one line of JSON, an `Answer`.
 */
export async function offerDatabases(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "test-databases-"));
  // Servers may be another user, who has to come through.
  await chmod(folder, 0o711);
  const started = new Map<string, Promise<{ answer: Answer; stop(): Promise<void> }>>();
  const ask = (name: string) => {
    const known = started.get(name) ?? start(name, join(folder, name));
    started.set(name, known);
    return known;
  };
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    let text = "";
    socket.on("data", (part) => {
      text += part.toString();
      if (text.endsWith("\n")) void ask(text.trim()).then(({ answer }) => socket.end(`${JSON.stringify(answer)}\n`));
    });
  });
  const path = join(folder, "offer.sock");
  await new Promise<void>((resolve) => server.listen(path, resolve));
  process.env["AGENT_RUNTIME_TEST_DATABASES"] = path;
  return async () => {
    server.close();
    for (const one of started.values()) await (await one).stop();
    await rm(folder, { recursive: true, force: true });
  };
}

async function start(name: string, folder: string): Promise<{ answer: Answer; stop(): Promise<void> }> {
  try {
    const begin = SERVERS[name];
    if (begin === undefined) throw new Error(`nobody knows how to start ${name}`);
    const { url, version, stop } = await begin(folder);
    return { answer: { url, version }, stop };
  } catch (error) {
    const none = error instanceof Error ? error.message : String(error);
    return { answer: { none }, stop: async () => undefined };
  }
}
