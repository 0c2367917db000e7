import { RuntimeError, type AgentProfile } from "@hhopkins/agent-runtime-protocol";
import { parseLine, type LinesHeader, type SessionLine } from "../persistence/session-lines.ts";
import type { ArchiveSpool } from "./archive-spool.ts";
import { archivedProfile } from "./archived-profile.ts";

export type ArchiveHeader = LinesHeader & { readonly record: NonNullable<LinesHeader["record"]> };

/** Lines of an archive, understood, without its header and its end. */
export type ContentLine = Exclude<SessionLine, { kind: "session" | "end" }>;

/** A session to be written, whatever it was read from. */
export interface ImportSource {
  readonly header: ArchiveHeader;
  lines(): AsyncIterable<ContentLine>;
  /** What the session kept to. Throws `invalid_request`, `invalid_profile`. */
  profile(): AgentProfile | undefined;
}

/** Reads an archive through, so that nothing of a damaged one is written. Rejects with `invalid_request` that names the line. */
export async function checkedArchive(spool: ArchiveSpool): Promise<ImportSource> {
  let header: ArchiveHeader | undefined;
  let lines = 0;
  let lastSeq = 0;
  let isWhole = false;
  const profile = archivedProfile();
  for await (const text of spool.lines()) {
    const where = `line ${lines + 1}`;
    const line = parseLine(text, where);
    if (isWhole) throw wrong(where, "comes after the end");
    if (line.kind === "session") header = headerOf(line.header, where);
    else if (header === undefined) throw wrong(where, "stands before the session's own line");
    if (line.kind === "event") lastSeq = checkSeq(line.event, { lastSeq, where });
    if (line.kind === "event") profile.event(line.event);
    if (line.kind === "blob") profile.blob(line.chunk);
    if (line.kind === "end" && line.lines !== lines)
      throw wrong(where, `counts ${line.lines} lines, and ${lines} came`);
    isWhole = line.kind === "end";
    lines += 1;
  }
  if (header === undefined) throw wrong("line 1", "is missing: this is no archive of a session");
  if (!isWhole) throw wrong(`line ${lines + 1}`, "is missing: the archive was cut short");
  if (lastSeq === 0) throw wrong("line 2", "the archive has no log");
  return { header, lines: () => content(spool), profile: () => profile.found() };
}

async function* content(spool: ArchiveSpool): AsyncGenerator<ContentLine> {
  let number = 0;
  for await (const text of spool.lines()) {
    number += 1;
    const line = parseLine(text, `line ${number}`);
    if (line.kind !== "session" && line.kind !== "end") yield line;
  }
}

function headerOf(header: LinesHeader, where: string): ArchiveHeader {
  const { record } = header;
  if (record === undefined) throw wrong(where, "has no record of the session");
  return { ...header, record };
}

function checkSeq({ seq, from = seq }: { seq: number; from?: number }, at: { lastSeq: number; where: string }): number {
  if (from !== at.lastSeq + 1) throw wrong(at.where, `the log has nothing between ${at.lastSeq} and ${from}`);
  return seq;
}

function wrong(where: string, what: string): RuntimeError {
  return new RuntimeError("invalid_request", `${where}: ${what}`, { field: where });
}
