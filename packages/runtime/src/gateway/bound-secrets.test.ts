import { expect, test } from "vitest";
import { checkBoundSecrets, isWithin } from "./bound-secrets.ts";

test.for<[string[], string]>([
  [["api.example.com"], "api.example.com"],
  [["other.example", "API.example.com"], "api.example.com"],
  [["*.example.com"], "api.example.com"],
  [["*.example.com"], "*.example.com"],
  [["*.example.com"], "*.api.example.com"],
  [["*"], "anything.example"],
  [["*:*"], "anything.example:*"],
  [["api.example.com:8443"], "api.example.com:8443"],
  [["10.0.0.7:8443"], "10.0.0.7:8443"],
  [["api.example.com:443"], "api.example.com"],
])("%j has %s", ([bound, pattern]) => {
  expect(isWithin(bound, pattern)).toBe(true);
});

test.for<[string[], string]>([
  [[], "api.example.com"],
  [["api.example.com"], "example.com"],
  [["api.example.com"], "*.api.example.com"],
  [["api.example.com"], "api.example.com:8443"],
  [["*.example.com"], "example.com"],
  [["*.example.com"], "evil-example.com"],
  [["*.api.example.com"], "*.example.com"],
  [["api.example.com"], "*"],
  [["api.example.com:8443"], "api.example.com:*"],
])("%j has no %s", ([bound, pattern]) => {
  expect(isWithin(bound, pattern)).toBe(false);
});

test("what opens public hosts does not open an address of a private network", () => {
  // A port that is written down reaches private addresses too, and an address reaches itself.
  expect(isWithin(["*:*"], "10.0.0.7:8443")).toBe(false);
  expect(isWithin(["*"], "10.0.0.7")).toBe(false);
  expect(isWithin(["*.example.com:8443"], "db.example.com:8443")).toBe(false);
  expect(isWithin(["api.example.com"], "api.example.com:443")).toBe(false);
});

test.for<[Record<string, unknown>, string]>([
  [{ "A B": ["a.example"] }, "boundSecrets.A B"],
  [{ GITHUB: [] }, "boundSecrets.GITHUB"],
  [{ GITHUB: "github.com" }, "boundSecrets.GITHUB"],
  [{ GITHUB: ["https://github.com"] }, "boundSecrets.GITHUB"],
])("%j is refused by name", ([bound, field]) => {
  expect(() => checkBoundSecrets(bound as never)).toThrowError(
    expect.objectContaining({ code: "invalid_configuration", field }),
  );
});
