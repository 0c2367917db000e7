import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { startCluster } from "../testing/cluster-under-test.ts";
import { prompt } from "../testing/prompts.ts";
import { said } from "../testing/runtime-under-test.ts";
import { logOf } from "../testing/session-log.ts";

const PRELOAD = pathToFileURL(new URL("../testing/skewed-clock.mjs", import.meta.url).pathname).href;
const LONG = prompt("talk", { text: "word ".repeat(100), chunk: 5, delayMs: 60 });

/** A node whose clock is wrong. */
const skewed = (ms: number) => ({ environment: { NODE_OPTIONS: `--import ${PRELOAD}`, CLOCK_SKEW_MS: String(ms) } });

test("nodes whose clocks differ by a minute: leases go by the store's clock, and no log goes back in time", async () => {
  await using cluster = await startCluster();
  const began = Date.now();
  const ahead = await cluster.node("ahead", skewed(30_000));
  const sessionId = await cluster.create(ahead);
  const sent = await ahead.request("POST", `/sessions/${sessionId}/message`, { content: LONG });
  expect(sent.status).toBe(202);
  await ahead.until(sessionId, ({ blocks }) => blocks.some(({ type }) => type === "assistant_text"));
  const first = await cluster.lease(sessionId);

  // For its own clock the other one's heartbeats lie in the future, and for the other one they are long past.
  const behind = await cluster.node("behind", skewed(-30_000));
  await behind.until(sessionId, ({ turn }) => turn === null);
  const second = await cluster.lease(sessionId);
  expect(second?.nodeId).toBe(first?.nodeId);

  await ahead.end("SIGKILL");
  const response = await behind.request("POST", `/sessions/${sessionId}/message`, {
    content: prompt("and?", { text: "more" }),
  });
  expect(response.status).toBe(202);
  await behind.until(sessionId, (state) => state.turn === null && said(state).includes("more"));
  const third = await cluster.lease(sessionId);
  expect(third?.nodeId).not.toBe(first?.nodeId);
  expect(third?.fence).toBeGreaterThan(second?.fence ?? 0);

  const at = (await logOf(behind, sessionId)).map((event) => event.at);
  expect(at.length).toBeGreaterThan(10);
  expect(at).toEqual(at.toSorted());
  // The one that is ahead did write: else nothing was shown.
  expect(Date.parse(at[0] ?? "")).toBeGreaterThan(began + 29_000);
});
