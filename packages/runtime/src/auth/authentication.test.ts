import { expect, test } from "vitest";
import { apiKeyAuthenticate } from "./api-key.ts";
import { authenticated, createAuthenticate } from "./authentication.ts";

function request(headers: Record<string, string> = {}): Request {
  return new Request("http://x/", { headers });
}

test("a key is good as a bearer and as x-api-key, and no other is", async () => {
  const authenticate = apiKeyAuthenticate("secret");
  for (const good of [
    { authorization: "Bearer secret" },
    { authorization: "bearer  secret" },
    { "x-api-key": "secret" },
  ] as Record<string, string>[]) {
    expect(await authenticate(request(good))).toEqual({ id: "api-key", tenant: "default" });
  }
  for (const bad of [
    {},
    { "x-api-key": "secre" },
    { "x-api-key": "secrets" },
    { authorization: "Basic secret" },
    { authorization: "secret" },
    { authorization: "Bearer wrong", "x-api-key": "secret" },
  ] as Record<string, string>[]) {
    expect(await authenticate(request(bad))).toBeNull();
    await expect(authenticated(authenticate, request(bad))).rejects.toMatchObject({ code: "unauthorized" });
  }
  expect(() => apiKeyAuthenticate("")).toThrow("must not be empty");
});

test("without a key, a function or auth none nothing is served, and the operator is told once", async () => {
  for (const options of [{}, { apiKey: "" }, { apiKey: undefined }]) {
    const told: string[] = [];
    const authenticate = createAuthenticate({ ...options, onUnprotected: (message) => told.push(message) });
    for (let n = 0; n < 2; n += 1) {
      await expect(authenticated(authenticate, request({ "x-api-key": "" }))).rejects.toMatchObject({
        code: "forbidden",
      });
    }
    expect(told).toEqual([expect.stringContaining("apiKey")]);
  }
});

test("auth none lets everybody in; a function decides alone", async () => {
  expect(await authenticated(createAuthenticate({ auth: "none" }), request())).toMatchObject({ tenant: "default" });
  const own = createAuthenticate({ apiKey: "secret", authenticate: () => ({ id: "me", tenant: "t" }) });
  expect(await authenticated(own, request())).toEqual({ id: "me", tenant: "t" });
});

test("a token is looked at before the key; it opens nothing where nothing is served", async () => {
  const asked: unknown[] = [];
  const tokens = {
    async verify(bearer: string, options?: object) {
      asked.push([bearer, options]);
      return bearer === "token" ? { id: "holder", tenant: "t" } : null;
    },
  };
  const withKey = createAuthenticate({ apiKey: "secret", tokens });
  const by = (bearer: string, path = "/") =>
    authenticated(
      withKey,
      new Request(`http://x${path}`, { method: "POST", headers: { authorization: `Bearer ${bearer}` } }),
    );
  expect(await by("token", "/sessions/tokens")).toEqual({ id: "holder", tenant: "t" });
  expect(await by("secret", "/v1/tokens")).toEqual({ id: "api-key", tenant: "default" });
  await expect(by("other")).rejects.toMatchObject({ code: "unauthorized" });
  // Only there an expired token may be good for another one.
  expect(asked).toEqual([
    ["token", { renews: false }],
    ["secret", { renews: true }],
    ["other", { renews: false }],
  ]);
  const closed = createAuthenticate({ tokens });
  await expect(authenticated(closed, request({ "x-api-key": "token" }))).rejects.toMatchObject({ code: "forbidden" });
});
