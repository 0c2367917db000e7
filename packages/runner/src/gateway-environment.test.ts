import { execFileSync } from "node:child_process";
import { secretPlaceholder } from "@hhopkins/agent-runtime-protocol";
import { expect, it } from "vitest";
import { gatewayEnvironment } from "./gateway-environment.ts";

const place = {
  url: "http://127.0.0.1:3128",
  bridge: "http://127.0.0.1:3128",
  token: "art_t",
  network: "gateway",
} as const;
const profile = { id: "p", name: "P" };

it("names the proxy with its token in every way that tools look for, and spares what is inside", () => {
  const variables = gatewayEnvironment(place)(profile);
  const proxy = "http://sandbox:art_t@127.0.0.1:3128";
  for (const name of ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"]) expect(variables[name]).toBe(proxy);
  expect(variables["NO_PROXY"]?.split(",")).toEqual(expect.arrayContaining(["127.0.0.1", "localhost"]));
  expect(variables["NODE_USE_ENV_PROXY"]).toBe("1");
  const elsewhere = gatewayEnvironment({ ...place, url: "https://agents.example/gateway" })(profile);
  expect([elsewhere["HTTPS_PROXY"], elsewhere["NO_PROXY"]]).toEqual([proxy, `${variables["NO_PROXY"]},agents.example`]);
  expect(gatewayEnvironment({ ...place, network: "own" })(profile)).toEqual({});
});

it("gives stand-ins for secrets, and git a way to their hosts with a login", () => {
  const environmentVariables = {
    PLAIN: "text",
    GITHUB_TOKEN: { secret: "GH", hosts: ["github.com", "api.github.com"] },
    OTHER: { secret: "OTHER", hosts: ["github.com", "*.example.com"] },
  };
  const variables = gatewayEnvironment(place)({ ...profile, environmentVariables });
  const hosts = "http://127.0.0.1:3128/token/art_t/hosts";
  expect(variables).toMatchObject({
    GITHUB_TOKEN: secretPlaceholder("GH"),
    OTHER: secretPlaceholder("OTHER"),
    AGENT_RUNTIME_HOSTS_URL: hosts,
  });
  expect(variables).not.toHaveProperty("PLAIN");
  const git = (...args: string[]): string =>
    execFileSync("git", args, { env: { PATH: process.env["PATH"], ...variables }, cwd: "/", encoding: "utf8" }).trim();
  expect(git("ls-remote", "--get-url", "https://github.com/org/repo.git")).toBe(`${hosts}/github.com/org/repo.git`);
  expect(git("ls-remote", "--get-url", "https://gitlab.com/org/repo.git")).toBe("https://gitlab.com/org/repo.git");
  const login = git("config", "--get-urlmatch", "http.extraHeader", `${hosts}/github.com/org/repo.git`);
  expect(Buffer.from(login.replace("Authorization: Basic ", ""), "base64").toString()).toBe(
    `x-access-token:${secretPlaceholder("GH")}`,
  );
});

it("names the way to hosts also where only an MCP server has a secret, which is no variable of the agent", () => {
  const key = { secret: "FAR", hosts: ["api.example.com"] };
  const server = { type: "http", name: "far", url: "https://api.example.com/mcp" } as const;
  const variables = gatewayEnvironment(place)({ ...profile, externalMCPs: [{ ...server, headers: { "X-Key": key } }] });
  expect(variables["AGENT_RUNTIME_HOSTS_URL"]).toBe("http://127.0.0.1:3128/token/art_t/hosts");
  expect(JSON.stringify(variables)).not.toContain("gateway-secret");
  const open = gatewayEnvironment(place)({ ...profile, externalMCPs: [{ ...server, headers: { "X-Key": "public" } }] });
  expect(open).not.toHaveProperty("AGENT_RUNTIME_HOSTS_URL");
});
