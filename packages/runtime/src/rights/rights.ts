import { RuntimeError, type TokenRight } from "@hhopkins/agent-runtime-protocol";
import type { SessionArchives } from "../archive/archives.ts";
import type { ProfileService } from "../profiles/port.ts";
import type { SessionService } from "../session/service.ts";
import type { Principal } from "../auth/principal.ts";

/** What a call needs: a right, and whether it is about the one session that its second parameter names. */
interface Rule {
  readonly right: TokenRight;
  readonly of: "session" | "tenant";
}

const session = (right: TokenRight): Rule => ({ right, of: "session" });
const tenant = (right: TokenRight): Rule => ({ right, of: "tenant" });

type Rules<T> = Readonly<Record<keyof T, Rule | "open">>;

/** What each call needs. Whoever may touch one session only has no calls of the whole tenant. */
export const SESSION_RULES: Rules<SessionService> = {
  create: tenant("manage"),
  list: tenant("read"),
  state: session("read"),
  send: session("write"),
  attachment: session("read"),
  updateMessage: session("write"),
  withdrawMessage: session("write"),
  answer: session("write"),
  interrupt: session("write"),
  stopSubagent: session("write"),
  updateOptions: session("write"),
  rewind: session("manage"),
  sync: session("write"),
  unload: session("write"),
  delete: session("manage"),
  blocks: session("read"),
  files: session("read"),
  file: session("read"),
  putFile: session("write"),
  deleteFile: session("write"),
  archive: session("read"),
  network: session("read"),
  sandbox: session("read"),
  follow: session("read"),
  watch: tenant("read"),
  profiles: tenant("read"),
  readiness: "open",
};

export const PROFILE_RULES: Rules<ProfileService> = {
  read: tenant("read"),
  create: tenant("manage"),
  replace: tenant("manage"),
  delete: tenant("manage"),
};

/** A copy is another session. */
export const ARCHIVE_RULES: Rules<SessionArchives> = {
  export: session("read"),
  import: tenant("manage"),
  fork: tenant("manage"),
};

/** The parts that the transports call, each call only for who may make it; others get `forbidden`. */
export const sessionsByRights = (service: SessionService): SessionService => byRights(service, SESSION_RULES);
export const profilesByRights = (service: ProfileService): ProfileService => byRights(service, PROFILE_RULES);
export const archivesByRights = (service: SessionArchives): SessionArchives => byRights(service, ARCHIVE_RULES);

type Method = (...given: unknown[]) => unknown;

function byRights<T extends object>(service: T, rules: Rules<T>): T {
  const guarded = Object.entries<Rule | "open">(rules).map(([name, rule]) => {
    const method = (service as Record<string, Method>)[name]?.bind(service);
    if (rule === "open" || method === undefined) return [name, method];
    const call: Method = (principal, ...given) => {
      assertAllowed(principal as Principal, rule, given[0]);
      return method(principal, ...given);
    };
    // A subscription is made at once; what is refused of the others is a rejection, as their callers expect.
    return [name, name === "watch" ? call : async (...given: unknown[]) => call(...given)];
  });
  return Object.fromEntries(guarded) as T;
}

function assertAllowed(principal: Principal, { right, of }: Rule, target: unknown): void {
  if (principal.rights?.includes(right) === false)
    throw new RuntimeError("forbidden", `This needs the right ${right}, which who asks lacks.`);
  if (principal.sessionId === undefined) return;
  if (of === "tenant")
    throw new RuntimeError(
      "forbidden",
      `Who asks may touch session ${principal.sessionId} only, and this is not of it.`,
    );
  if (target !== principal.sessionId)
    throw new RuntimeError("forbidden", `Who asks may touch session ${principal.sessionId} only, and not this one.`);
}
