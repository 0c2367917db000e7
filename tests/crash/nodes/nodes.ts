// pnpm crash --nodes N --store postgres|mysql --rounds N --seed S --lease-ms N [--sessions N] [--gateway process] [--only kill,pause,restart,sandbox]: as crash.ts, over several servers on
// one database, which are killed, stopped for longer than their lease, and restarted.
import { parseArgs } from "node:util";
import { makeCommand } from "../../../scripts/test-command.ts";
import { offerDatabases } from "../../../scripts/test-databases.ts";
import { testDatabase } from "../../testing/test-database.ts";
import type { BlowKind } from "./blows.ts";
import { runNodeCrash } from "./node-kills.ts";
import { nodeFaults, nodeTable } from "./node-report.ts";

const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "3" },
    store: { type: "string", default: "postgres" },
    rounds: { type: "string", default: "20" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    sessions: { type: "string", default: "3" },
    "lease-ms": { type: "string", default: "2000" },
    bus: { type: "string" },
    gateway: { type: "string", default: "server" },
    only: { type: "string" },
  },
});
await makeCommand();
const end = await offerDatabases();
const database = await testDatabase(values.store === "mysql" ? "mysql" : "postgres");
if (typeof database === "string") throw new Error(database);
const report = await runNodeCrash({
  nodes: Number(values.nodes),
  rounds: Number(values.rounds),
  seed: Number(values.seed),
  sessions: Number(values.sessions),
  leaseMs: Number(values["lease-ms"]),
  database,
  gateway: values.gateway === "process",
  ...(values.only === undefined ? {} : { only: values.only.split(",").filter(isBlow) }),
  flags: values.bus === undefined ? [] : ["--bus", values.bus],
  onRound: (round, line) => (round % 10 === 0 || process.env.VERBOSE) && console.log(line),
});
await database[Symbol.asyncDispose]();
await end();
console.log(nodeTable(report));
const faults = nodeFaults(report);
for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;

function isBlow(text: string): text is BlowKind {
  return text === "kill" || text === "pause" || text === "restart" || text === "sandbox";
}
