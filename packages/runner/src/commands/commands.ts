import { toRuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { CommandBody } from "@hhopkins/agent-runtime-protocol";
import type { Log } from "../log.ts";
import type { CommandLedger, CommandResult } from "./command-ledger.ts";

export interface CommandsOptions {
  readonly ledger: CommandLedger;
  /** Does a command; what it resolves with is the reply's data, a `RuntimeError` the reply's error. */
  readonly handle: (command: CommandBody) => Promise<unknown>;
  readonly reply: (id: string, result: CommandResult) => void;
  readonly log: Log;
}

/**
 * Does commands in the order in which they came, each id once. But a turn does not wait for a sync, which can take long,
 * and an interrupt waits for nothing.
 */
export interface Commands {
  /** The promise, where there is one, asks the sender to wait before it sends more. */
  take(id: string, command: CommandBody): Promise<void> | null;
  /** Resolves when nothing is in work. */
  idle(): Promise<void>;
}

/** Waiting file bytes above which the sender is asked to wait. */
const MAX_WAITING_CHARS = 8 * 1024 * 1024;

export function createCommands(options: CommandsOptions): Commands {
  const { ledger, handle, reply, log } = options;
  const inWork = new Set<string>();
  /** Resolves when everything so far is done, `turnsReady` when all of it but syncs is. */
  let queue = Promise.resolve();
  let turnsReady = Promise.resolve();
  let waitingChars = 0;

  async function run(id: string, command: CommandBody): Promise<void> {
    let result: CommandResult;
    try {
      const data = await handle(command);
      result = data === undefined ? { ok: true } : { ok: true, data };
    } catch (error) {
      const { code, message } = toRuntimeError(error);
      if (code === "internal") log(`commands: ${command.kind} failed`, error);
      result = { ok: false, error: { code, message } };
    }
    inWork.delete(id);
    try {
      ledger.put(id, result, !isPut(command));
    } catch (error) {
      log("commands: cannot keep an answer", error);
    }
    reply(id, result);
  }

  /** Runs it when its time has come; resolves when it is done. */
  function line(command: CommandBody, work: () => Promise<void>): Promise<void> {
    switch (command.kind) {
      case "interrupt":
      case "stop-subagent":
      // A turn that waits for it holds up nothing else.
      case "answer":
      case "host-tool:result": {
        const done = work();
        queue = both(queue, done);
        return done;
      }
      case "attachment:put":
      case "file:write":
      case "file:remove":
      case "message":
      case "continue":
      case "defer":
      case "steer":
      case "unsteer":
      case "options":
        turnsReady = turnsReady.then(work);
        queue = both(queue, turnsReady);
        return turnsReady;
      case "sync":
      case "resend":
      case "list":
        return (queue = queue.then(work));
      case "file:put":
      case "transcript:put":
      case "start":
      case "prepare-end":
        queue = queue.then(work);
        return (turnsReady = queue);
      default:
        return command satisfies never;
    }
  }

  return {
    take(id, command) {
      const known = ledger.get(id);
      if (known !== undefined) {
        reply(id, known);
        return null;
      }
      // Its answer goes to whoever is attached when it is done.
      if (inWork.has(id)) return null;
      inWork.add(id);
      const size = "data" in command ? command.data.length : 0;
      waitingChars += size;
      const done = line(command, async () => {
        await run(id, command);
        waitingChars -= size;
      });
      return waitingChars > MAX_WAITING_CHARS ? done : null;
    },
    idle: () => queue,
  };
}

async function both(one: Promise<void>, other: Promise<void>): Promise<void> {
  await Promise.all([one, other]);
}

/** Putting the same bytes again does no harm, and a workspace has many files: these answers stay in memory. */
function isPut(command: CommandBody): boolean {
  return "data" in command || command.kind === "transcript:put";
}
