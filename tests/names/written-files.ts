import * as at from "./files.ts";
import { fieldsOf, tested, testsIn, valuesOf, type Row } from "./row.ts";

const written = testsIn("tests/files/written-files.test.ts");
const earlier = testsIn("tests/files/earlier-files.test.ts");
const killed = testsIn("tests/files/killed.test.ts");
const byHand = testsIn("packages/runner/src/workspace/change-by-hand.test.ts");
const hooks = testsIn("tests/react/live-hooks.test.ts");
const otherNode = testsIn("tests/attachments/other-node.test.ts");
const routes = testsIn("packages/runtime/src/transport/rest/file-routes.test.ts");

const during = written(
  "a file is put while a turn runs, and the agent's next tool sees it; it is an event as any other",
);
const refused = written("what stands in the way of a file is said, with and without a sandbox, and nothing is written");
const asOf = earlier(
  "files and their bytes are answered as they were after each event of the log, also of what was rewound",
);
const told = byHand("a file that is written is told before the answer, without the bytes that the server has");
const removed = byHand("a file that is removed is told before the answer; a folder only goes when nothing is in it");
const inTheWay = byHand("nothing is written over a folder or a link, nor through one");
const hook = hooks("useWorkspaceFiles writes and deletes, says how that goes, and reads a file as it was");
const call = at.client("every method calls its route");

/** Files that people write into a workspace and remove from it, and files as they were. */
export const writtenFileRows: readonly Row[] = [
  ...tested("route", ["PUT /sessions/{id}/files/{path}"], during),
  ...tested(
    "route",
    ["DELETE /sessions/{id}/files/{path}"],
    written(
      "a file is put into a session without a sandbox, and is there for the agent's next turn; so with one that is gone",
    ),
  ),
  ...tested(
    "behaviour",
    ["PUT /sessions/{id}/files/{path}: 201 or 200, raw bytes within bodyBytes and maxFileBytes"],
    routes("PUT takes raw bytes of any type: 201 for a new file, 200 for one that was there; DELETE is 204"),
  ),
  ...tested(
    "behaviour",
    ["a file that was said to be written survives a kill of the server"],
    killed("a file that was said to be written stays, wherever the server is killed; one in the log has its bytes"),
  ),
  ...tested(
    "behaviour",
    ["a file is written by whichever node runs the session"],
    otherNode(
      "files of messages, files for the workspace and a schema that are sent to a node that does not run the session reach the one that does, in pieces",
    ),
  ),
  ...tested("parameter", ["GET /sessions/{id}/files query.seq", "GET /sessions/{id}/files/{path} query.seq"], asOf),
  ...tested("error code", ["file_not_kept"], asOf),
  ...tested("method", ["client.putFile", "client.deleteFile"], call),
  ...tested("behaviour", ["client.listFiles and client.readFile take seq"], call),
  ...tested(
    "hook result",
    ["writeFile", "deleteFile", "isWriting", "error"].map((name) => `useWorkspaceFiles.${name}`),
    hook,
  ),
  ...tested("variant", ["CommandBody:file:write"], told),
  ...tested("variant", ["CommandBody:file:remove"], removed),
  ...tested("field", fieldsOf("FileReport", "last refused"), inTheWay),
  ...tested("value", valuesOf("FileRefusal", "folder missing"), removed),
  ...tested("value", valuesOf("FileRefusal", "symlink below_file below_symlink"), refused),
  ...tested(
    "value",
    ["FileRefusal=denied"],
    written(
      "where the agent took away its own right to write, that is said; after it gave it back the file is written",
    ),
  ),
  ...tested(
    "value",
    ["FileRefusal=ending"],
    at.runnerLife(
      "prepares its end: harness ended, workspace told, no turn taken any more; who connects learns it, and is told again",
    ),
  ),
];
