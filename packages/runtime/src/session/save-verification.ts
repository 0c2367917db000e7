/** Whether what a sandbox holds is really saved, read back from the store, and putting right what is not. */
import { FileList, manifestText, RuntimeError, SyncReport, type FileEntry } from "@hhopkins/agent-runtime-protocol";
import { setTimeout as delay } from "node:timers/promises";
import type { LogWrite } from "../log/session-log.ts";
import type { SessionKey, SessionStore } from "../persistence/session-store.ts";
import { isIntact } from "./blob-check.ts";
import { withDeadline } from "./deadline.ts";
import { sha256 } from "./entry-translation.ts";
import type { SessionParts } from "./session-parts.ts";
import type { RunningSandbox, SupervisedSession } from "./supervised-session.ts";
import type { RunnerLink } from "./runner-link.ts";

/** A save is put right and looked at again so often before it counts as failed. */
const REPAIRS = 2;
/** Blobs that one command asks for. */
const RESEND_BLOBS = 200;

export interface SaveCheck {
  readonly key: SessionKey;
  readonly store: SessionStore;
  readonly link: RunnerLink;
  /** Hashes of blobs that were read back and found right; grows. */
  readonly intact: Set<string>;
  readonly newId: () => string;
  /** For each answer of the runner, and for the store to take what it announces; milliseconds. */
  readonly syncMs: number;
  /** Number of the last entry that is saved. */
  readonly saved: () => number;
  readonly storeFailure: () => RuntimeError | undefined;
  readonly write: (write: LogWrite) => Promise<void>;
  /** Told what is wrong, before it is put right. */
  readonly onWrong: (message: string) => Promise<void>;
}

/** The check of a sandbox that runs. */
export function saveCheck(
  parts: SessionParts,
  session: SupervisedSession,
  about: { running: RunningSandbox; onWrong: SaveCheck["onWrong"] },
): SaveCheck {
  const { key, storeFailure, write } = session;
  const { link, intact } = about.running;
  const { store, newId, limits } = parts;
  const saved = (): number => session.cursor()?.n ?? 0;
  return { key, store, link, intact, newId, syncMs: limits.syncMs, saved, storeFailure, write, onWrong: about.onWrong };
}

/** Has everything saved, and verifies names, modes and bytes. Rejects with `unavailable` where that cannot be done. */
export async function verifySaved(check: SaveCheck, kind: "sync" | "prepare-end"): Promise<void> {
  for (let repairs = 0; ; repairs += 1) {
    const report = await reported(check, kind);
    const files = await check.store.files(check.key);
    const listed = files.length === report.count && sha256(manifestText(files)) === report.manifest;
    const damaged = await damagedBlobs(check, files);
    if (listed && damaged.length === 0) return;
    const message = listed
      ? wrongBytes(damaged)
      : `the saved workspace has ${files.length} files that differ from the sandbox's ${report.count}.`;
    await check.onWrong(message);
    if (repairs === REPAIRS) throw unverified(message);
    if (!listed) await repairList(check, report, files);
    await repairBlobs(check, damaged);
  }
}

/** As `verifySaved` while a turn may run: what is saved is right, though more may have changed since. */
export async function verifyBytes(check: SaveCheck): Promise<void> {
  for (let repairs = 0; ; repairs += 1) {
    await reported(check, "sync");
    const damaged = await damagedBlobs(check, await check.store.files(check.key));
    if (damaged.length === 0) return;
    const message = wrongBytes(damaged);
    await check.onWrong(message);
    if (repairs === REPAIRS) throw unverified(message);
    await repairBlobs(check, damaged);
  }
}

/** As `verifySaved`, of a runner that may not answer: what it does not tell in time is lost. */
export async function saveWhatIsTold(check: SaveCheck, ms: number): Promise<void> {
  const reply = check.link.command(`sync:${check.newId()}`, { kind: "sync" });
  const told = await withDeadline(reply, ms, () => unverified("its runner does not answer.")).then(
    () => true,
    () => false,
  );
  if (told && check.link.closed === undefined) await verifySaved(check, "sync");
}

/** What the runner says its workspace is, once the store has all that it said. */
async function reported(check: SaveCheck, kind: "sync" | "prepare-end"): Promise<SyncReport> {
  const report = SyncReport.parse(await asked(check, kind, { kind }));
  const deadline = Date.now() + check.syncMs;
  while (check.saved() < report.last) {
    if (Date.now() > deadline || check.storeFailure() !== undefined) {
      throw unverified("not everything that its runner reported could be saved.");
    }
    await delay(5);
  }
  return report;
}

function asked(check: SaveCheck, name: string, body: Parameters<RunnerLink["command"]>[1]): Promise<unknown> {
  const reply = check.link.command(`${name}:${check.newId()}`, body);
  return withDeadline(reply, check.syncMs, () => unverified("its runner did not report in time."));
}

async function damagedBlobs({ key, store, intact }: SaveCheck, files: readonly FileEntry[]): Promise<string[]> {
  const names = new Set(files.flatMap((file) => (file.sha256 === undefined ? [] : [file.sha256])));
  const damaged: string[] = [];
  for (const name of names) {
    if (intact.has(name)) continue;
    if (await isIntact(store, key, name)) intact.add(name);
    else damaged.push(name);
  }
  return damaged;
}

/** The list as the runner has it, which must be the one that it reported. The events of it are in the log already. */
async function repairList(check: SaveCheck, report: SyncReport, saved: readonly FileEntry[]): Promise<void> {
  const files: FileEntry[] = [];
  for (let page: FileList | undefined; page === undefined || page.more;) {
    const after = files.at(-1)?.path;
    page = FileList.parse(await asked(check, "list", { kind: "list", ...(after === undefined ? {} : { after }) }));
    if (page.more && page.files.length === 0) throw unverified("its runner does not list its files.");
    files.push(...page.files);
  }
  // It changed meanwhile: the next report says how.
  if (sha256(manifestText(files)) !== report.manifest) return;
  const lineOf = new Map(saved.map((file) => [file.path, manifestText([file])]));
  const put = files.filter((file) => lineOf.get(file.path) !== manifestText([file]));
  const there = new Set(files.map(({ path }) => path));
  const deleted = saved.flatMap(({ path }) => (there.has(path) ? [] : [path]));
  await check.write({ events: [], files: { put, deleted } });
}

async function repairBlobs(check: SaveCheck, damaged: readonly string[]): Promise<void> {
  if (damaged.length === 0) return;
  // A store ignores a piece that it has: what is wrong must go first. The sandbox has the right one.
  await check.write({ events: [], droppedBlobs: damaged });
  for (let from = 0; from < damaged.length; from += RESEND_BLOBS) {
    await asked(check, "resend", { kind: "resend", blobs: damaged.slice(from, from + RESEND_BLOBS) });
  }
}

function wrongBytes(damaged: readonly string[]): string {
  return `the saved bytes of ${damaged.length} of its files are not what the sandbox gave.`;
}

function unverified(why: string): RuntimeError {
  return new RuntimeError("unavailable", `The workspace is not saved, and the sandbox stays: ${why}`);
}
