import type { NativeMessage, NativeModelUsage } from "./native.ts";

/** In USD a token: of input, and of input out of the cache. */
interface Prices {
  readonly input: number;
  readonly cached: number;
}

/** What models cost, out of what the harness says that they have cost: it tells sums, and no prices. */
export interface ModelPrices {
  /** Learns from a `result`. */
  learn(result: NativeMessage): void;
  /** In USD. 0 where the harness has priced no model of any of these names. */
  cost(models: readonly (string | undefined)[], usage: NativeModelUsage): number;
}

/** Sums of products of priced tokens, cached tokens and costs, one of each for every result. */
interface Seen {
  names: readonly (string | undefined)[];
  pp: number;
  pc: number;
  cc: number;
  pUSD: number;
  cUSD: number;
}

/**
 * The price list of Anthropic's relates output (5) and writes to the cache (1.25, or 2 for an hour) to input for every
 * model: https://platform.claude.com/docs/en/about-claude/pricing. Reads from it (mostly 0.1) differ between models.
 */
const OUTPUT = 5;
const WRITE = 1.25;
const LONG_WRITE = 2;
const USUAL_READ = 0.1;

export function createModelPrices(): ModelPrices {
  const seen = new Map<string, Seen>();
  return {
    learn({ model_usage_since_last_result: models = {} }) {
      for (const [name, usage] of Object.entries(models)) {
        const { pp = 0, pc = 0, cc = 0, pUSD = 0, cUSD = 0 } = seen.get(name) ?? {};
        const [priced, cached, usd] = [pricedTokens(usage), usage.cacheReadInputTokens ?? 0, usage.costUSD ?? 0];
        seen.set(name, {
          names: [name, usage.canonicalModel],
          pp: pp + priced * priced,
          pc: pc + priced * cached,
          cc: cc + cached * cached,
          pUSD: pUSD + priced * usd,
          cUSD: cUSD + cached * usd,
        });
      }
    },
    cost(models, usage) {
      const of = [...seen.values()].find(({ names }) =>
        names.some((name) => name !== undefined && models.includes(name)),
      );
      if (of === undefined) return 0;
      const { input, cached } = pricesOf(of);
      return input * pricedTokens(usage) + cached * (usage.cacheReadInputTokens ?? 0);
    },
  };
}

/** The two prices that explain all sums; where these are too much alike to tell, with the usual one for reads. */
function pricesOf({ pp, pc, cc, pUSD, cUSD }: Seen): Prices {
  const distinct = pp * cc - pc * pc;
  if (distinct > 1e-6 * pp * cc) {
    const input = (pUSD * cc - cUSD * pc) / distinct;
    const cached = (cUSD * pp - pUSD * pc) / distinct;
    if (input > 0 && cached >= 0 && cached <= input) return { input, cached };
  }
  const weight = pp + 2 * USUAL_READ * pc + USUAL_READ * USUAL_READ * cc;
  const input = weight === 0 ? 0 : Math.max(0, (pUSD + USUAL_READ * cUSD) / weight);
  return { input, cached: input * USUAL_READ };
}

/** In input tokens' worth, those out of the cache left out. */
function pricedTokens(usage: NativeModelUsage): number {
  const { inputTokens = 0, outputTokens = 0, cacheCreationInputTokens = 0 } = usage;
  const long = usage.cacheCreationEphemeral1hInputTokens ?? 0;
  return inputTokens + OUTPUT * outputTokens + WRITE * (cacheCreationInputTokens - long) + LONG_WRITE * long;
}
