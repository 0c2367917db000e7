import { expect, test } from "vitest";
import { grantsOf, secretsOf } from "./profile-secrets.ts";

const profile = {
  id: "p",
  name: "P",
  environmentVariables: { PLAIN: "a", TOKEN: { secret: "GITHUB", hosts: ["api.github.com", "mine.example"] } },
  externalMCPs: [
    { name: "a", command: "a", env: { KEY: { secret: "FREE", hosts: ["free.example"] } } },
    {
      name: "b",
      type: "sse" as const,
      url: "https://b.example",
      headers: { A: { secret: "GITHUB", hosts: ["b.example"] } },
    },
  ],
};

test("every secret that a profile names has its field", () => {
  expect(secretsOf(profile).map(({ field }) => field)).toEqual([
    "environmentVariables.TOKEN",
    "externalMCPs.0.env.KEY",
    "externalMCPs.1.headers.A",
  ]);
});

test("a bound secret goes to no other host, whoever named it; one that is not bound goes where its profile says", () => {
  expect(grantsOf(profile, { GITHUB: ["*.github.com"] })).toEqual([
    { secret: "GITHUB", hosts: ["api.github.com"] },
    { secret: "FREE", hosts: ["free.example"] },
  ]);
  expect(grantsOf(profile, { FREE: ["other.example"] }).map(({ secret }) => secret)).toEqual(["GITHUB", "GITHUB"]);
});
