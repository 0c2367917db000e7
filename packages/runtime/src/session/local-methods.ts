import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { RunMethod } from "../cluster/command-executor.ts";
import { RunsElsewhere } from "../cluster/runs-elsewhere.ts";
import type { MethodAnswer, MethodBody, SessionMethod } from "../cluster/session-methods.ts";
import type { SessionKey } from "../persistence/session-store.ts";
import { readSandboxLog } from "./sandbox-log.ts";
import type { SessionManager } from "./session-manager.ts";
import type { SessionParts } from "./session-parts.ts";
import type { Session } from "./session.ts";

type Bodies = { [M in SessionMethod]: { readonly method: M; readonly body: MethodBody<M> } }[SessionMethod];

/** Methods of sessions, done on this node. Each rejects with `RunsElsewhere` where another one runs the session. */
export function localMethods(
  parts: Pick<SessionParts, "egress" | "gatewayVariables" | "masked">,
  manager: SessionManager,
): RunMethod {
  const run = async (key: SessionKey, asked: Bodies): Promise<unknown> => {
    const load = (): Promise<Session> => manager.load(key);
    switch (asked.method) {
      case "send":
        return inMemory(
          () => manager.load(key, { needsSandbox: true }),
          (session) => session.send(asked.body),
        );
      case "keepBytes":
        return inMemory(load, (session) => session.keepBytes(asked.body));
      case "putFile":
        return inMemory(load, (session) => session.files.put(asked.body));
      case "deleteFile":
        return inMemory(load, (session) => session.files.remove(asked.body.path));
      case "updateMessage":
        return inMemory(load, (session) => session.updateMessage(asked.body.messageId, asked.body.content));
      case "withdrawMessage":
        return inMemory(load, (session) => session.withdrawMessage(asked.body.messageId));
      case "answer":
        return inMemory(
          () => manager.load(key, { needsSandbox: true }),
          (session) => session.answer(asked.body),
        );
      case "interrupt":
        return inMemory(load, (session) => interrupt(session, asked.body.turnId));
      case "stopSubagent":
        return inMemory(load, (session) => session.stopSubagent(asked.body.subagentId));
      case "updateOptions":
        return inMemory(load, (session) => session.updateOptions(asked.body));
      case "rewind":
        return inMemory(load, (session) => session.rewind(asked.body.turnId));
      case "sync":
        return (await load()).sync();
      case "unload":
        return manager.unload(key);
      case "delete":
        return manager.delete(key);
      case "network":
        return parts.egress.of(key);
      case "sandboxLog":
        return readSandboxLog(parts, manager.loaded().find(isOf(key)));
    }
  };
  return async <M extends SessionMethod>(key: SessionKey, method: M, body: MethodBody<M>) =>
    ((await run(key, { method, body } as Bodies)) ?? null) as MethodAnswer<M>;
}

function isOf({ tenant, sessionId }: SessionKey): (session: Session) => boolean {
  return ({ key }) => key.tenant === tenant && key.sessionId === sessionId;
}

async function interrupt(session: Session, turnId: string | undefined): Promise<void> {
  if (turnId === undefined || session.getState().turn?.turnId === turnId) await session.interrupt();
}

/** Once again where the session in memory was behind the store, or where it had gone to another node. */
async function inMemory<T>(load: () => Promise<Session>, work: (session: Session) => Promise<T>): Promise<T> {
  const once = async (): Promise<T> => work(await load());
  try {
    return await once().catch((error: unknown) => (isOvertaken(error) ? once() : Promise.reject(error)));
  } catch (error) {
    if (!isOvertaken(error)) throw error;
    const message =
      "The store takes writes and fails them all the same. Send again later; with the same messageId or Idempotency-Key it counts once.";
    throw new RuntimeError("persistence_unavailable", message, { cause: error, retryAfter: 5 });
  }
}

/** What was in memory is not what the store has: a look at the store helps. */
function isOvertaken(error: unknown): boolean {
  if (!(error instanceof RuntimeError) || error instanceof RunsElsewhere) return false;
  return error.code === "sequence_conflict" || error.code === "stale_fence";
}
