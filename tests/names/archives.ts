import * as at from "./files.ts";
import { tested, type Row } from "./row.ts";

const moved = at.importExport(
  "a session is exported from one server and goes on at another one, with another kind of store",
);
const carried = at.command(
  "export and import carry a session from one store to another; a running server keeps its store to itself",
);

/** Names of sessions as archives. */
export const archiveRows: readonly Row[] = [
  ...tested(
    "export",
    ["exportSession", "importSession"],
    at.archives(
      "a session goes from one store into another, closed: its turn interrupted, what waited withdrawn, no sandbox",
    ),
  ),
  ...tested("route", ["GET /sessions/{id}/export", "POST /sessions/import"], moved),
  ...tested(
    "parameter",
    ["sessionId", "agentProfileRef", "name"].map((name) => `POST /sessions/import query.${name}`),
    moved,
  ),
  ...tested("limit", ["archiveBytes"], moved),
  ...tested("option", ["limits.archiveBytes"], moved),
  ...tested("command", ["export", "import"], carried),
  ...tested(
    "method",
    ["store.savedCursor"],
    at.seedRestore("the runner may forget what is saved, and the interval saves it"),
  ),
];
