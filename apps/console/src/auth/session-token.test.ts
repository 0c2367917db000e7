import { ClientError } from "@hhopkins/agent-runtime-client";
import type { CreateTokenAnswer, CreateTokenBody } from "@hhopkins/agent-runtime-protocol";
import { describe, expect, test, vi } from "vitest";
import { takeKeyOfAddress } from "./key-of-address.ts";
import { SessionToken, type OtherTabs, type SessionTokenParts } from "./session-token.ts";

const expired = new ClientError("token_expired", "The token has expired.", { status: 401 });
const wrong = new ClientError("unauthorized", "A valid key is needed.", { status: 401 });
const away = new ClientError("unreachable", "fetch failed");
const starting = new ClientError("unavailable", "Starting.", { status: 503 });

/** A server that answers what is told, then tokens `t1`, `t2`, …; and a tab's storage. */
function setUp(parts: Partial<SessionTokenParts> = {}, kept: string | null = null) {
  const answers: (ClientError | Promise<CreateTokenAnswer>)[] = [];
  const asked: string[] = [];
  const bodies: CreateTokenBody[] = [];
  let stored = kept;
  let time = 0;
  let count = 0;
  const answer = (): CreateTokenAnswer => {
    count += 1;
    return { token: `t${count}`, expiresAt: "2026-11-23T10:00:00Z", rights: ["read", "write", "manage"] };
  };
  const make = () =>
    new SessionToken({
      async exchange(bearer, body) {
        asked.push(bearer);
        bodies.push(body);
        const next = answers.shift();
        if (next instanceof ClientError) throw next;
        return next ?? answer();
      },
      storage: { read: () => stored, write: (token) => (stored = token) },
      now: () => time,
      pauseMs: () => 0,
      ...parts,
    });
  return {
    make,
    answers,
    asked,
    bodies,
    answer,
    stored: () => stored,
    pass: (minutes: number) => (time += minutes * 60_000),
  };
}

const until = (page: SessionToken, status: string) =>
  vi.waitUntil(() => page.getState().status === status, { timeout: 30_000, interval: 5 });

describe("a key of the address", () => {
  const tab = (hash: string) => {
    const written: unknown[] = [];
    const location = { hash, pathname: "/", search: "?a=b" };
    const history = { replaceState: (...given: unknown[]) => written.push(given[2]) };
    return { key: takeKeyOfAddress({ location, history }), written };
  };

  test.each([
    ["#key=abc", "abc"],
    ["#/key=abc", "abc"],
    ["#key=a%2Fb%20", "a/b"],
    ["#key=100%", "100%"],
    ["#key=", undefined],
  ])("%s is taken out of it", (hash, key) => {
    expect(tab(hash)).toEqual({ key, written: ["/?a=b#/"] });
  });

  test.each(["", "#/", "#/sessions/key=1", "#/sessions/s?key=a"])("there is none in %j", (hash) => {
    expect(tab(hash)).toEqual({ key: undefined, written: [] });
  });
});

test("a key is exchanged for a token, which alone is kept", async () => {
  const t = setUp({ key: "the-key" });
  const page = t.make();
  expect(page.getState()).toEqual({ status: "signing-in" });
  await until(page, "signed-in");
  expect([t.asked, t.bodies, t.stored()]).toEqual([
    ["the-key"],
    [{ expiresInMs: 900_000, renewForMs: 43_200_000 }],
    "t1",
  ]);
  expect(await page.getToken()).toBe("t1");
});

test.each([
  ["a wrong key", wrong, "file api-key"],
  ["an old link", expired, "link has expired"],
  ["what else the server says", new ClientError("forbidden", "No key is configured.", { status: 403 }), "No key is"],
])("%s is refused for good, with a reason, and another one can be tried", async (_name, error, reason) => {
  const t = setUp({ key: "k" });
  t.answers.push(error);
  const page = t.make();
  await until(page, "failed");
  expect(page.getState().reason).toContain(reason);
  expect(t.stored()).toBeNull();
  await expect(page.getToken()).rejects.toMatchObject({ code: "unauthorized" });
  await page.signIn("right");
  expect([page.getState(), t.asked]).toEqual([{ status: "signed-in" }, ["k", "right"]]);
});

test("a server that is away is waited for, which is said", async () => {
  const t = setUp({ key: "k" });
  t.answers.push(away, starting, away);
  const page = t.make();
  const seen: unknown[] = [];
  page.subscribe(() => seen.push(page.getState()));
  await until(page, "signed-in");
  const waiting = { status: "signing-in", reason: expect.stringContaining("does not answer") as string };
  expect(seen).toEqual([waiting, waiting, waiting, { status: "signed-in" }]);
  expect(t.asked).toEqual(["k", "k", "k", "k"]);
});

test("while it waits, another key can be tried; what comes of the first is of no more use", async () => {
  const t = setUp({ key: "first" });
  const late = Promise.withResolvers<CreateTokenAnswer>();
  t.answers.push(late.promise);
  const page = t.make();
  await page.signIn("second");
  late.resolve({ ...t.answer(), token: "late" });
  await late.promise;
  expect([page.getState().status, t.stored(), await page.getToken()]).toEqual(["signed-in", "t1", "t1"]);
});

describe("a token", () => {
  test("is renewed once it is getting old, once for all who ask", async () => {
    const t = setUp({ key: "k" });
    const page = t.make();
    await until(page, "signed-in");
    t.pass(11);
    expect(await page.getToken()).toBe("t1");
    t.pass(2);
    expect(await Promise.all([page.getToken(), page.getToken(), page.getToken()])).toEqual(["t2", "t2", "t2"]);
    expect([t.asked, t.stored()]).toEqual([["k", "t1"], "t2"]);
  });

  test("that is refused is renewed at once, and only the one that was", async () => {
    const t = setUp({ key: "k" });
    const page = t.make();
    await until(page, "signed-in");
    expect(await page.getToken("t1")).toBe("t2");
    expect(await page.getToken("t1")).toBe("t2");
    expect(t.asked).toEqual(["k", "t1"]);
  });

  test("outlives a reload, and is renewed then", async () => {
    const t = setUp({}, "kept");
    const page = t.make();
    expect(page.getState()).toEqual({ status: "signed-in" });
    expect(await page.getToken()).toBe("t1");
    expect(t.asked).toEqual(["kept"]);
  });

  test("serves on while the server is away, unless the server refused it", async () => {
    const t = setUp({}, "kept");
    const page = t.make();
    t.answers.push(away, starting);
    expect(await page.getToken()).toBe("kept");
    await expect(page.getToken("kept")).rejects.toBe(starting);
    expect(page.getState()).toEqual({ status: "signed-in" });
    expect(await page.getToken("kept")).toBe("t1");
  });

  test("that cannot be renewed any more signs the page out, and says what to do", async () => {
    for (const error of [expired, wrong]) {
      const t = setUp({}, "kept");
      const page = t.make();
      t.answers.push(error);
      await expect(page.getToken()).rejects.toBe(error);
      expect(page.getState()).toEqual({ status: "signed-out", reason: expect.stringContaining("Sign in again") });
      expect(t.stored()).toBeNull();
    }
  });

  test("is forgotten by signing out, whatever is under way", async () => {
    const t = setUp({}, "kept");
    const page = t.make();
    const late = Promise.withResolvers<CreateTokenAnswer>();
    t.answers.push(late.promise);
    const renewal = page.getToken();
    page.signOut();
    late.resolve(t.answer());
    await renewal;
    expect([page.getState(), t.stored()]).toEqual([{ status: "signed-out" }, null]);
  });
});

describe("several tabs", () => {
  /** Two tabs that hear each other. */
  function tabs() {
    const all: Parameters<OtherTabs["listen"]>[0][] = [];
    const one = (): OtherTabs => {
      let own: (typeof all)[number] | undefined;
      const others = () => all.filter((tab) => tab !== own);
      return {
        ask: async () => others().flatMap((tab) => tab.token() ?? [])[0] ?? null,
        signOut: () => others().forEach((tab) => tab.signOut()),
        listen: (tab) => all.push((own = tab)),
      };
    };
    return one;
  }

  test("a new one is signed in by one that is, and both sign out together", async () => {
    const tab = tabs();
    const first = setUp({ key: "k", tabs: tab() }).make();
    await until(first, "signed-in");
    const t = setUp({ tabs: tab() });
    const second = t.make();
    expect(second.getState()).toEqual({ status: "signing-in" });
    await until(second, "signed-in");
    expect(await second.getToken()).toBe("t1");
    expect(t.asked).toEqual(["t1"]);
    second.signOut();
    expect(first.getState()).toMatchObject({ status: "signed-out", reason: expect.stringContaining("another tab") });
    const third = setUp({ tabs: tab() }).make();
    await until(third, "signed-out");
    expect(third.getState()).toEqual({ status: "signed-out" });
  });
});
