import { RuntimeError, TOKEN_LIMITS, type CreateTokenBody } from "@hhopkins/agent-runtime-protocol";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt, SignJWT, UnsecuredJWT } from "jose";
import { describe, expect, test } from "vitest";
import type { Principal } from "./principal.ts";
import { tokenSecret } from "./token-secret.ts";
import { createTokens } from "./tokens.ts";

const START = Date.parse("2026-11-23T10:00:00.000Z");
const HOUR = 3_600_000;
const holder: Principal = { id: "me", tenant: "acme" };

function setUp({ audience = "default", secret = "0".repeat(32) }: { audience?: string; secret?: string } = {}) {
  let time = START;
  const tokens = createTokens({
    secret: async () => new TextEncoder().encode(secret),
    audience,
    now: () => new Date(time),
    assertSession: async ({ tenant, sessionId }) => {
      if (tenant !== "acme" || !sessionId.startsWith("s"))
        throw new RuntimeError("session_not_found", `There is no session ${sessionId}.`);
    },
  });
  return { tokens, pass: (ms: number) => (time += ms) };
}

async function made(tokens: ReturnType<typeof setUp>["tokens"], body: CreateTokenBody, by = holder) {
  const answer = await tokens.create(by, body);
  const principal = await tokens.verify(answer.token);
  if (principal === null) throw new Error("no principal");
  return { answer, principal };
}

const at = (ms: number): string => new Date(START + ms).toISOString();

describe("a token", () => {
  test("carries who asked, with everything that they may do, for an hour", async () => {
    const { tokens } = setUp();
    const { answer, principal } = await made(tokens, {});
    expect(answer).toEqual({
      token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      expiresAt: at(TOKEN_LIMITS.defaultExpiresInMs),
      rights: ["read", "write", "manage"],
    });
    expect(principal).toEqual({
      id: "me",
      tenant: "acme",
      rights: ["read", "write", "manage"],
      expiresAt: START + HOUR,
    });
  });

  test("has the rights, the session and the times that were asked for", async () => {
    const { tokens } = setUp();
    const body: CreateTokenBody = {
      sessionId: "s1",
      rights: ["write", "read", "read"],
      expiresInMs: 60_000,
      renewForMs: HOUR,
    };
    const { answer, principal } = await made(tokens, body);
    const said = { sessionId: "s1", rights: ["read", "write"] };
    expect(answer).toMatchObject({ ...said, expiresAt: at(60_000), renewableUntil: at(HOUR) });
    expect(principal).toMatchObject({ ...said, expiresAt: START + 60_000, renewableUntil: START + HOUR });
  });

  test("ends at its time, and says so", async () => {
    const { tokens, pass } = setUp();
    const { answer } = await made(tokens, { expiresInMs: 2000 });
    pass(1999);
    expect(await tokens.verify(answer.token)).not.toBeNull();
    pass(1);
    await expect(tokens.verify(answer.token)).rejects.toMatchObject({ code: "token_expired", status: 401 });
  });

  test("of a session that is not the tenant's is not made", async () => {
    const { tokens } = setUp();
    const nowhere = { code: "session_not_found" };
    await expect(tokens.create(holder, { sessionId: "x" })).rejects.toMatchObject(nowhere);
    await expect(tokens.create({ ...holder, tenant: "b" }, { sessionId: "s" })).rejects.toMatchObject(nowhere);
  });
});

describe("a token makes others", () => {
  test("with fewer rights only, and for its session only", async () => {
    const { tokens } = setUp();
    const ask = (limits: Partial<Principal>, body: CreateTokenBody) => tokens.create({ ...holder, ...limits }, body);
    await expect(ask({ rights: ["read"] }, { rights: ["read", "write"] })).rejects.toMatchObject({
      code: "forbidden",
      field: "body.rights",
    });
    await expect(ask({ sessionId: "s1" }, { sessionId: "s2" })).rejects.toMatchObject({
      code: "forbidden",
      field: "body.sessionId",
    });
  });

  test("which are its session's, with its rights, where nothing else is said", async () => {
    const { tokens } = setUp();
    const by: Principal = { ...holder, sessionId: "s1", rights: ["read"], expiresAt: START + HOUR };
    expect((await made(tokens, {}, by)).principal).toEqual(by);
  });

  test("that end when it does, unless it can be renewed, and then by that time", async () => {
    const { tokens, pass } = setUp();
    const first = await made(tokens, { expiresInMs: 60_000, renewForMs: 90_000 });
    pass(30_000);
    const second = await made(tokens, { expiresInMs: 50_000, renewForMs: HOUR }, first.principal);
    expect(second.answer).toMatchObject({ expiresAt: at(80_000), renewableUntil: at(90_000) });
    const third = await made(tokens, { expiresInMs: HOUR, renewForMs: HOUR }, second.principal);
    expect(third.answer.expiresAt).toBe(at(90_000));
    expect(third.answer).not.toHaveProperty("renewableUntil");
    const last = await made(tokens, { expiresInMs: HOUR, renewForMs: HOUR }, third.principal);
    expect(last.answer.expiresAt).toBe(at(90_000));
  });
});

test("a token that has expired gets another one as long as it can be renewed, and is good for nothing else", async () => {
  const { tokens, pass } = setUp();
  const { token } = await tokens.create(holder, { expiresInMs: 1000, renewForMs: HOUR });
  const lasting = await tokens.create(holder, { expiresInMs: 1000 });
  pass(1000);
  const expired = { code: "token_expired", status: 401 };
  await expect(tokens.verify(token)).rejects.toMatchObject(expired);
  await expect(tokens.verify(lasting.token, { renews: true })).rejects.toMatchObject(expired);
  const renewing = await tokens.verify(token, { renews: true });
  expect(renewing).toMatchObject({ id: "me", renewableUntil: START + HOUR });
  expect((await tokens.create(renewing!, { expiresInMs: 60_000 })).expiresAt).toBe(at(61_000));
  pass(HOUR);
  await expect(tokens.verify(token, { renews: true })).rejects.toMatchObject(expired);
});

describe("refused is", () => {
  const claims = { tenant: "acme", rights: ["read"] };
  const signed = (secret: string, more: { aud?: string; exp?: number; claims?: object } = {}) =>
    new SignJWT({ ...claims, exp: more.exp ?? START / 1000 + 60, ...more.claims })
      .setProtectedHeader({ alg: "HS256" })
      .setIssuer("agent-runtime")
      .setAudience(more.aud ?? "default")
      .setSubject("me")
      .sign(new TextEncoder().encode(secret));
  const unsecured = () =>
    new UnsecuredJWT(claims).setIssuer("agent-runtime").setAudience("default").setSubject("me").setExpirationTime(4e9);
  const tampered = async () => {
    const { tokens } = setUp();
    const [head, , signature] = (await made(tokens, {})).answer.token.split(".");
    const { token } = (await made(tokens, { rights: ["read"] })).answer;
    const body = JSON.stringify({ ...decodeJwt(token), rights: ["manage"] });
    return `${head}.${Buffer.from(body).toString("base64url")}.${signature}`;
  };

  test.each<[string, () => string | Promise<string>]>([
    ["what another key signed", () => signed("1".repeat(32))],
    ["what says another right than was signed", tampered],
    ["what nobody signed (alg none)", () => unsecured().encode()],
    ["what is another deployment's", () => signed("0".repeat(32), { aud: "other" })],
    ["an expired one of another key", () => signed("1".repeat(32), { exp: 1 })],
    ["what never ends", () => signed("0".repeat(32), { claims: { exp: undefined } })],
    ["what lacks a claim", () => signed("0".repeat(32), { claims: { tenant: undefined } })],
    ["what has a right that there is not", () => signed("0".repeat(32), { claims: { rights: ["all"] } })],
  ])("%s", async (_name, token) => {
    const { tokens } = setUp();
    await expect(tokens.verify(await token())).rejects.toMatchObject({
      code: "unauthorized",
      message: expect.stringContaining("not this server's"),
    });
  });

  test("nothing that is no token of ours: that is for whoever else knows", async () => {
    const { tokens } = setUp();
    const foreign = new UnsecuredJWT({}).setIssuer("somebody").encode();
    for (const bearer of ["key", "a.b.c", "", foreign]) expect(await tokens.verify(bearer)).toBeNull();
  });
});

describe("the secret", () => {
  test("follows from the operator's, else from the key, else is kept in the data directory for its owner alone", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "agent-runtime-"));
    const hex = async (sources: { tokenSecret?: string; apiKey?: string }) =>
      Buffer.from(await tokenSecret({ ...sources, dataDir })()).toString("hex");
    const own = await hex({ tokenSecret: "t".repeat(32), apiKey: "k" });
    expect(await hex({ tokenSecret: "t".repeat(32), apiKey: "other" })).toBe(own);
    const ofKey = await hex({ apiKey: "k" });
    expect(await hex({ apiKey: "k" })).toBe(ofKey);
    expect(await hex({ apiKey: "k2" })).not.toBe(ofKey);
    const file = join(dataDir, "token-secret");
    await expect(stat(file)).rejects.toMatchObject({ code: "ENOENT" });
    const random = await hex({});
    expect(await hex({})).toBe(random);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await readFile(file, "utf8")).trim()).toHaveLength(43);
    expect(new Set([own, ofKey, random]).size).toBe(3);

    await writeFile(file, "short\n");
    await expect(hex({})).rejects.toMatchObject({
      code: "data_dir_unusable",
      message: expect.stringContaining(file),
    });
    await rm(dataDir, { recursive: true });
  });
});
