import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { expect, test, vi } from "vitest";
import { gatewayVariables } from "./cloud-variables.ts";
import { networkOf } from "./network.ts";

const session = { tenant: "t", sessionId: "s1" };
const log = () => ({ debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() });

test("a list for all is checked at once; nothing is allowed where nobody said anything", async () => {
  expect(await networkOf({ allowedHosts: ["example.com"] }, log())(session)).toEqual({ allowedHosts: ["example.com"] });
  expect(await networkOf(undefined, log())(session)).toEqual({ allowedHosts: [] });
  expect(() => networkOf({ allowedHosts: ["http://x"] }, log())).toThrow(RuntimeError);
});

test("a list by session; one that fails or is wrong allows nothing, and is said", async () => {
  const told = log();
  const byTenant = networkOf(({ tenant }) => ({ allowedHosts: [`${tenant}.example`] }), told);
  expect(await byTenant(session)).toEqual({ allowedHosts: ["t.example"] });
  for (const wrong of [() => Promise.reject(new Error("down")), () => ({ allowedHosts: ["a b"] })])
    expect(await networkOf(wrong, told)(session)).toEqual({ allowedHosts: [] });
  expect(told.error).toHaveBeenCalledTimes(2);
});

test("only a sandbox elsewhere is told an address; the key only where that was asked for in so many words", async () => {
  const credentials = () => ({ baseUrl: "https://model.example", apiKey: "sk-real" });
  const variables = (option: object, remote = true) =>
    gatewayVariables(option, { provider: { remote }, credentials })(session);
  expect(await variables({})).toEqual({});
  const publicUrl = "https://agents.example/gateway/";
  expect(await variables({ publicUrl })).toEqual({ AGENT_RUNTIME_GATEWAY_URL: "https://agents.example/gateway" });
  expect(await variables({ publicUrl, unsafeKeyInSandbox: true }, false)).toEqual({});
  expect(await variables({ unsafeKeyInSandbox: true })).toEqual({
    AGENT_RUNTIME_GATEWAY_URL: "https://model.example",
    AGENT_RUNTIME_MODEL_TOKEN: "sk-real",
  });
  const bearer = gatewayVariables(
    { unsafeKeyInSandbox: true },
    { provider: { remote: true }, credentials: () => ({ baseUrl: "https://model.example", authToken: "t" }) },
  );
  await expect(bearer(session)).rejects.toMatchObject({ code: "invalid_configuration" });
});
