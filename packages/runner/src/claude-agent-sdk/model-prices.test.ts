import { expect, test } from "vitest";
import { createModelPrices } from "./model-prices.ts";

const result = (model: string, [inputTokens, cacheReadInputTokens]: readonly [number, number], costUSD: number) => ({
  type: "result",
  model_usage_since_last_result: { [model]: { inputTokens, cacheReadInputTokens, costUSD } },
});
const usage = { inputTokens: 100, outputTokens: 10, cacheReadInputTokens: 1000, cacheCreationInputTokens: 40 };
/** Of that, in input tokens' worth, without the reads. */
const PRICED = 100 + 5 * 10 + 1.25 * 40;

test("the usual prices are right at once, and others once two results differ", () => {
  const prices = createModelPrices();
  expect(prices.cost(["usual"], usage)).toBe(0);
  prices.learn(result("usual", [10, 200], 10 * 3e-6 + 200 * 0.3e-6));
  expect(prices.cost([undefined, "usual"], usage)).toBeCloseTo(PRICED * 3e-6 + 1000 * 0.3e-6, 12);
  const cheap = (input: number, read: number) => result("cheap", [input, read], input * 16e-6 + read * 0.4e-6);
  prices.learn(cheap(1000, 0));
  expect(prices.cost(["cheap"], { inputTokens: 7 })).toBeCloseTo(7 * 16e-6, 12);
  prices.learn(cheap(300, 9000));
  prices.learn(cheap(20, 12_000));
  expect(prices.cost(["cheap"], usage)).toBeCloseTo(PRICED * 16e-6 + 1000 * 0.4e-6, 12);
  expect(prices.cost(["unknown"], usage)).toBe(0);
});

test("a cost that is no sum of prices gives no negative one", () => {
  const prices = createModelPrices();
  prices.learn(result("odd", [1000, 10], 0));
  prices.learn(result("odd", [10, 1000], 5));
  prices.learn(result("odd", [0, 0], 1));
  expect(prices.cost(["odd"], usage)).toBeGreaterThanOrEqual(0);
  expect(prices.cost(["odd"], { inputTokens: 1 })).toBeLessThan(1);
});

test("a model is found by the name that the harness calls it by", () => {
  const prices = createModelPrices();
  const models = { "claude-x-20300101": { inputTokens: 10, costUSD: 1, canonicalModel: "claude-x" } };
  prices.learn({ type: "result", model_usage_since_last_result: models });
  expect(prices.cost(["claude-x"], { inputTokens: 20 })).toBeCloseTo(2, 9);
});
