import { expect, test } from "vitest";
import { archiveName } from "./archive-name.ts";

test.each([
  ["Clean the workspace", "Clean-the-workspace.ndjson.gz"],
  ["../../etc/passwd", "etc-passwd.ndjson.gz"],
  ["größe 2.0", "größe-2.0.ndjson.gz"],
  ["<b>\u202Egnp.exe</b>", "b-gnp.exe-b.ndjson.gz"],
  ["???", "session.ndjson.gz"],
  ["x".repeat(500), `${"x".repeat(80)}.ndjson.gz`],
])("%j is kept as %j", (session, file) => expect(archiveName(session)).toBe(file));
