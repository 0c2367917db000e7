/** A server with host tools, as an application would be one. What its tools do is counted in a file. */
import { createAgentRuntime, createNodeHandler, tool, type HostToolContext } from "@hhopkins/agent-runtime";
import { postgresPersistence } from "@hhopkins/agent-runtime/persistence/postgres";
import { sqlitePersistence } from "@hhopkins/agent-runtime/persistence/sqlite";
import { localSandbox } from "@hhopkins/agent-runtime/sandbox/local";
import { unsafeProcessSandbox } from "@hhopkins/agent-runtime/sandbox/unsafe-process";
import { appendFileSync, existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { z } from "zod";
import { LEASE_MS } from "../testing/cluster-under-test.ts";
import { API_KEY } from "../testing/runtime-under-test.ts";

/** Those of the command that it needs. */
const FLAGS = { "data-dir": { type: "string" }, persistence: { type: "string" } } as const;
const { values } = parseArgs({ options: FLAGS, strict: false, allowPositionals: true });
const dataDir = String(values["data-dir"]);
const database = values["persistence"];
const { TOOLS_FOLDER: folder = dataDir, TOOLS_WITHOUT: without, TOOLS_NODE: node = "one" } = process.env;

/** Leaves a line, and answers when the file `go-NAME` is there. */
const counted =
  (name: string) =>
  async (_input: unknown, { callId, signal }: HostToolContext) => {
    appendFileSync(join(folder, "effects"), `${name} ${callId} ${node}\n`);
    while (!existsSync(join(folder, `go-${name}`))) await delay(20, undefined, { signal });
    return `${name} is done`;
  };
const input = z.object({});
const description = "Counted outside.";
const tools = {
  pay: tool({ description, input, run: counted("pay") }),
  read: tool({ description, input, idempotent: true, run: counted("read") }),
};
const kept = Object.fromEntries(Object.entries(tools).filter(([name]) => name !== without));

const runtime = await createAgentRuntime({
  dataDir,
  tools: kept,
  ...(typeof database === "string"
    ? {
        persistence: postgresPersistence({ connectionString: database }),
        sandbox: unsafeProcessSandbox({ dataDir }),
      }
    : { persistence: sqlitePersistence({ file: join(dataDir, "test.db") }), sandbox: localSandbox({ dataDir }) }),
  cluster: { leaseMs: LEASE_MS },
});
await runtime.start();
const server = createServer(createNodeHandler(runtime.createRestServer({ apiKey: API_KEY })));
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
