// pnpm crash --rounds N --seed S [--gateway process] [--sessions N] [--sandbox local|docker|modal]: kills a server with SIGKILL at random moments, again and
// again, while sessions work, and then compares what the tools did, what the model was asked and what a client saw.
import { parseArgs } from "node:util";
import { makeCommand } from "../../scripts/test-command.ts";
import { runCrash } from "./random-kills.ts";
import { crashTable, faultsOf } from "./report.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "20" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    sessions: { type: "string", default: "3" },
    gateway: { type: "string", default: "server" },
    sandbox: { type: "string", default: "local" },
  },
});
await makeCommand();
const report = await runCrash({
  rounds: Number(values.rounds),
  seed: Number(values.seed),
  sessions: Number(values.sessions),
  gateway: values.gateway === "process",
  sandbox: values.sandbox === "docker" || values.sandbox === "modal" ? values.sandbox : "local",
  onRound: (round, line) => (round % 10 === 0 || process.env.VERBOSE) && console.log(line),
});
console.log(crashTable(report));
const faults = faultsOf(report);
for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;
