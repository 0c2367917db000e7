import * as at from "./files.ts";
import { fieldsOf, tested, testsIn, valuesOf, type Row } from "./row.ts";

const reduced = testsIn("packages/protocol/src/reducer/sandboxes.test.ts");
const logs = testsIn("packages/runtime/src/session/sandbox-log.test.ts");
const listed = at.recordedAnswers(
  "the list says what goes on in a session and what it has cost, also where nobody has it in memory",
);
const looked = at.recordedAnswers("the sandbox: how it is, those before it, and what its runner wrote");
const going = reduced("what goes on: somebody has to answer, before a turn runs, before messages wait");
const kept = reduced("a sandbox is one entry from its first word to its end, whatever is said of it meanwhile");

/** What lists say of a session, and what is told of its sandboxes. */
export const sessionOverviewRows: readonly Row[] = [
  ...tested("field", fieldsOf("SessionListItem", "activity sessionMetadata"), listed),
  ...tested("value", valuesOf("SessionActivity", "idle queued running waiting"), going),
  ...tested("field", ["SessionState.sandboxes"], looked),
  ...tested("field", fieldsOf("SandboxGeneration", "sandboxId startedAt endedAt status statusMessage"), kept),
  ...tested("route", ["GET /sessions/{id}/sandbox"], looked),
  ...tested("field", fieldsOf("SandboxAnswer", "sandbox provider generations log"), looked),
  ...tested(
    "field",
    ["SandboxLog.lines"],
    logs("of a long log no more than 500 lines and 64 KiB, none of them cut at its beginning"),
  ),
  ...tested("field", ["SandboxLog.reason"], logs("where there are none it says why")),
];
