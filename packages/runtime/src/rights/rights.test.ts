import { TokenRight } from "@hhopkins/agent-runtime-protocol";
import { describe, expect, test } from "vitest";
import type { SessionArchives } from "../archive/archives.ts";
import type { ProfileService } from "../profiles/port.ts";
import type { SessionService } from "../session/service.ts";
import type { Principal } from "../auth/principal.ts";
import {
  ARCHIVE_RULES,
  archivesByRights,
  PROFILE_RULES,
  profilesByRights,
  SESSION_RULES,
  sessionsByRights,
} from "./rights.ts";

type Needs = `${TokenRight} ${"session" | "tenant"}` | "nothing";

/** What each call of the services needs; a call that is added has no row, and neither compiles nor passes. */
const sessions: Record<keyof SessionService, Needs> = {
  create: "manage tenant",
  list: "read tenant",
  state: "read session",
  send: "write session",
  attachment: "read session",
  updateMessage: "write session",
  withdrawMessage: "write session",
  answer: "write session",
  interrupt: "write session",
  stopSubagent: "write session",
  updateOptions: "write session",
  rewind: "manage session",
  sync: "write session",
  unload: "write session",
  delete: "manage session",
  blocks: "read session",
  files: "read session",
  file: "read session",
  putFile: "write session",
  deleteFile: "write session",
  archive: "read session",
  network: "read session",
  sandbox: "read session",
  follow: "read session",
  watch: "read tenant",
  profiles: "read tenant",
  readiness: "nothing",
};
const profiles: Record<keyof ProfileService, Needs> = {
  read: "read tenant",
  create: "manage tenant",
  replace: "manage tenant",
  delete: "manage tenant",
};
const archives: Record<keyof SessionArchives, Needs> = {
  export: "read session",
  import: "manage tenant",
  fork: "manage tenant",
};

type Calls = Record<string, (...given: unknown[]) => unknown>;

/** Every call answers its own name. */
function echo(table: object): Calls {
  return Object.fromEntries(Object.keys(table).map((name) => [name, () => name]));
}

const services: { name: string; table: Record<string, Needs>; rules: object; service: Calls }[] = [
  {
    name: "sessions",
    table: sessions,
    rules: SESSION_RULES,
    service: sessionsByRights(echo(sessions) as never) as never,
  },
  {
    name: "profiles",
    table: profiles,
    rules: PROFILE_RULES,
    service: profilesByRights(echo(profiles) as never) as never,
  },
  {
    name: "archives",
    table: archives,
    rules: ARCHIVE_RULES,
    service: archivesByRights(echo(archives) as never) as never,
  },
];

/** What comes of a call: its answer, or the code and message of its refusal, whether thrown or rejected. */
async function outcome(service: Calls, name: string, ...given: unknown[]): Promise<unknown> {
  try {
    return await service[name]?.(...given);
  } catch (error) {
    return (error as Error & { code: string }).code;
  }
}

describe.each(services)("$name", ({ table, rules, service }) => {
  test("have a rule for every call", () => {
    expect(Object.keys(rules).sort()).toEqual(Object.keys(table).sort());
  });

  test.each(Object.entries(table))("%s needs %s", async (name, needs) => {
    const ofSession = needs.endsWith("session");
    const call = (principal: Principal) => outcome(service, name, principal, "s1");
    const holder = { id: "me", tenant: "t" };
    expect(await call(holder)).toBe(name);
    expect(await call({ ...holder, rights: TokenRight.options })).toBe(name);
    for (const right of TokenRight.options) {
      const has = needs === "nothing" || needs.startsWith(right);
      expect(await call({ ...holder, rights: [right] })).toBe(has ? name : "forbidden");
      expect(await call({ ...holder, rights: [right], sessionId: "s1" })).toBe(
        has && (ofSession || needs === "nothing") ? name : "forbidden",
      );
    }
    const without = TokenRight.options.filter((right) => !needs.startsWith(right));
    expect(await call({ ...holder, rights: without })).toBe(needs === "nothing" ? name : "forbidden");
    expect(await call({ ...holder, sessionId: "s1" })).toBe(ofSession || needs === "nothing" ? name : "forbidden");
    expect(await call({ ...holder, sessionId: "s2" })).toBe(needs === "nothing" ? name : "forbidden");
    expect(await call({ ...holder, rights: [] })).toBe(needs === "nothing" ? name : "forbidden");
  });
});

test("a refusal names the right or the session that lacks", async () => {
  const service = sessionsByRights(echo(sessions) as never);
  const reader: Principal = { id: "me", tenant: "t", rights: ["read"] };
  await expect(service.interrupt(reader, "s1")).rejects.toThrow("the right write");
  await expect(service.state({ ...reader, sessionId: "s2" }, "s1")).rejects.toThrow("session s2 only");
  expect(() => service.watch({ ...reader, sessionId: "s2" }, () => {})).toThrow("session s2 only");
});
