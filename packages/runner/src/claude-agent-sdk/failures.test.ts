import { expect, test } from "vitest";
import { modelError, resultError } from "./failures.ts";

test("what the model's API answers has a code, and a remedy", () => {
  const codes = [400, 401, 403, 404, 408, 413, 429, 500, 503, 529].map((status) => [
    status,
    modelError({ status }).code,
  ]);
  expect(codes).toEqual([
    [400, "model_refused"],
    [401, "model_auth_failed"],
    [403, "model_auth_failed"],
    [404, "model_refused"],
    [408, "model_failed"],
    [413, "model_refused"],
    [429, "model_rate_limited"],
    [500, "model_failed"],
    [503, "model_overloaded"],
    [529, "model_overloaded"],
  ]);
  expect(modelError({ status: 500, text: "API Error: 500 Out of order. Call us." })).toEqual({
    code: "model_failed",
    message:
      "The model failed (500: Out of order). Send the message again; if it fails again, look at the provider's status page.",
  });
});

test("a model that does not answer at all is unreachable", () => {
  expect(modelError({ kind: "connection_failed" }).code).toBe("model_unreachable");
  expect(modelError({ status: null, kind: "unknown" }).code).toBe("model_unreachable");
  expect(modelError({ kind: "connection_failed" }).message).toContain("ANTHROPIC_BASE_URL");
});

test("a turn that reached a limit says which, and is no failure of the harness", () => {
  const result = (subtype: string) => resultError({ type: "result", subtype, is_error: true }, undefined);
  expect(result("error_max_turns")).toMatchObject({
    code: "turn_limit",
    message: expect.stringContaining("number of steps") as string,
  });
  expect(result("error_max_budget_usd")).toMatchObject({
    code: "turn_limit",
    message: expect.stringContaining("budget") as string,
  });
  expect(result("error_during_execution")).toMatchObject({ code: "harness_failed" });
});
