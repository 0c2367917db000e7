import {
  FileReport,
  RuntimeError,
  type CommandBody,
  type FileEntry,
  type SessionState,
} from "@hhopkins/agent-runtime-protocol";
import { setTimeout as delay } from "node:timers/promises";
import { failpoint, failpointAfterAnswer } from "../failpoint.ts";
import { entryOf } from "../persistence/files-as-of.ts";
import { inlineContent } from "../persistence/inline-content.ts";
import type { RunnerCursor, SessionKey, SessionStore } from "../persistence/session-store.ts";
import { withDeadline } from "./deadline.ts";
import { refusedChange } from "./given-path.ts";
import { Mailbox } from "./mailbox.ts";
import { restingRemoval, restingWrite, type GivenFile, type RestingChange } from "./resting-files.ts";
import type { RunnerLink } from "./runner-link.ts";
import { filePieces } from "./sandbox-layout.ts";
import type { SandboxSupervisor } from "./sandbox-supervisor.ts";
import type { SessionParts } from "./session-parts.ts";
import type { SessionWriter } from "./session-writer.ts";

const LOOK_MS = 5;

/** What became of a file that was given. */
export interface FilePut {
  readonly file: FileEntry;
  /** It is new; else it was there, and may have been the same. */
  readonly created: boolean;
}

export interface FileParts {
  readonly store: Pick<SessionStore, "blob" | "blobSize">;
  readonly now: () => Date;
  readonly newId: () => string;
  readonly limits: Pick<SessionParts["limits"], "syncMs">;
}

export interface FiledSession {
  readonly key: SessionKey;
  readonly writer: Pick<SessionWriter, "ask" | "append" | "cursor" | "failure">;
  readonly supervisor: Pick<SandboxSupervisor, "workspaceLink" | "hasWorkspace" | "generation">;
  state(): SessionState;
  refuseWhileClosing(): void;
}

interface FileChange {
  readonly path: string;
  readonly atRest: (state: SessionState) => Promise<RestingChange>;
  /** The last one's reply counts. */
  readonly commands: () => AsyncIterable<CommandBody>;
}

/**
 * What people change in the workspace, one after another. While a sandbox has it the runner does it, and tells of it as of any
 * other change; else it is written into store and log, and the next sandbox has it. Either way it is in the log when it is done.
 */
export class SessionFiles {
  readonly #parts: FileParts;
  readonly #session: FiledSession;
  readonly #mailbox = new Mailbox();

  constructor(parts: FileParts, session: FiledSession) {
    this.#parts = parts;
    this.#session = session;
  }

  /**
   * Its bytes are kept already. Rejects with `conflict` where something else stands at the path or above it, and with
   * `unavailable` where it is not known whether it is done.
   */
  put(file: GivenFile): Promise<FilePut> {
    const { key } = this.#session;
    const { store, now } = this.#parts;
    const { path } = file;
    return this.#mailbox.run(async () => {
      const created = this.#at(path) === undefined;
      await this.#do({
        path,
        atRest: async (state) => {
          await assertKept(store, key, file);
          return restingWrite(state, file, { at: now(), content: await inlineContent(store, key, file) });
        },
        commands: async function* () {
          for await (const piece of filePieces({ store, key }, file)) yield { kind: "file:write", ...piece };
        },
      });
      const written = this.#at(path);
      if (written !== undefined) return { file: written, created };
      throw new RuntimeError("conflict", `${path} was written, and the agent removed it at once.`, { field: "path" });
    });
  }

  /** Rejects with `file_not_found`, and as `put`. */
  remove(path: string): Promise<void> {
    let begun = false;
    return this.#mailbox.run(() =>
      this.#do({
        path,
        atRest: async (state) => {
          const change = restingRemoval(state, path);
          // Its sandbox ended over it, and may have done it before.
          return change === "missing" && begun ? undefined : change;
        },
        commands: async function* () {
          begun = true;
          yield { kind: "file:remove", path };
        },
      }),
    );
  }

  #at(path: string): FileEntry | undefined {
    const file = this.#session.state().workspaceFiles.find((known) => known.path === path);
    return file === undefined ? undefined : entryOf(file);
  }

  /** Where the workspace is just then: sandboxes begin and end meanwhile. */
  async #do(change: FileChange): Promise<void> {
    const { supervisor, refuseWhileClosing } = this.#session;
    // For a sandbox that starts or ends, and for its runner.
    const deadline = Date.now() + this.#parts.limits.syncMs;
    const isDone = async (): Promise<boolean> => {
      refuseWhileClosing();
      const link = await supervisor.workspaceLink();
      return link === undefined ? this.#atRest(change) : this.#inSandbox(link, change, deadline);
    };
    failpoint("file:before");
    while (!(await withDeadline(isDone(), deadline - Date.now(), unanswered))) await delay(LOOK_MS);
    failpointAfterAnswer("file:after");
  }

  /** False: it is on its way into a sandbox. */
  #atRest({ path, atRest }: FileChange): Promise<boolean> {
    const { writer, supervisor, state, refuseWhileClosing } = this.#session;
    return writer.ask(async () => {
      refuseWhileClosing();
      if (supervisor.hasWorkspace) return false;
      const change = await atRest(state());
      if (typeof change === "string") throw refusedChange(path, change);
      if (change !== undefined) await writer.append(change);
      return true;
    });
  }

  /** False: the sandbox has ended, or is about to. */
  async #inSandbox(
    link: Pick<RunnerLink, "command" | "closed" | "ending">,
    { path, commands }: FileChange,
    deadline: number,
  ): Promise<boolean> {
    const { generation } = this.#session.supervisor;
    const report = await this.#told(link, commands);
    if (report === undefined || report.refused === "ending") return false;
    failpoint("file:told");
    const isSaved = await this.#saved(link, { generation, n: report.last }, deadline);
    if (report.refused !== undefined) throw refusedChange(path, report.refused);
    return isSaved;
  }

  /** What the runner did; undefined: it is gone. */
  async #told(
    link: Pick<RunnerLink, "command" | "closed" | "ending">,
    commands: FileChange["commands"],
  ): Promise<FileReport | undefined> {
    const { newId } = this.#parts;
    let reply: unknown;
    try {
      for await (const command of commands()) reply = await link.command(`file:${newId()}`, command);
    } catch (error) {
      if (link.closed !== undefined || link.ending) return undefined;
      throw error;
    }
    return FileReport.parse(reply);
  }

  /** Resolves when what the runner has told is in the log; false: it ended before. */
  async #saved(
    link: Pick<RunnerLink, "command" | "closed" | "ending">,
    { generation, n }: RunnerCursor,
    deadline: number,
  ): Promise<boolean> {
    const { writer } = this.#session;
    for (;;) {
      const { cursor, failure } = writer;
      if (cursor?.generation === generation && cursor.n >= n) return true;
      if (link.closed !== undefined) return false;
      if (failure !== undefined || Date.now() > deadline) throw unanswered();
      await delay(LOOK_MS);
    }
  }
}

async function assertKept(
  store: FileParts["store"],
  key: SessionKey,
  { path, size, sha256 }: GivenFile,
): Promise<void> {
  if (size === 0 || (await store.blobSize(key, sha256)) === size) return;
  throw new RuntimeError("unavailable", `The bytes of ${path} were not kept. Send them again.`, { retryAfter: 1 });
}

function unanswered(): RuntimeError {
  const message =
    "The session's sandbox or its store does not answer, and whether the file was changed is not known. Look at the files, and send it again.";
  return new RuntimeError("unavailable", message, { retryAfter: 2 });
}
