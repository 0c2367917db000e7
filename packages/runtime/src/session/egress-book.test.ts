import { expect, test, vi } from "vitest";
import { EgressBook } from "./egress-book.ts";

const key = { tenant: "default", sessionId: "s1" };
const record = (host: string, more = {}) => ({
  host,
  port: 443,
  way: "connect" as const,
  allowed: true,
  bytesSent: 1,
  bytesReceived: 2,
  ...more,
});

function book(options = {}) {
  const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  let second = 0;
  const now = (): Date => new Date(1000 * second++);
  return { log, book: new EgressBook({ log, now, ...options }) };
}

test("a place is summed up; its first time is logged at info, the others at debug", () => {
  const { log, book: kept } = book();
  kept.add(key, record("a"));
  kept.add(key, record("b", { allowed: false, reason: "no", bytesSent: 0, bytesReceived: 0 }));
  kept.add(key, record("a"));
  const at = (seconds: number): string => new Date(1000 * seconds).toISOString();
  expect(kept.of(key)).toEqual([
    { ...record("a"), requests: 2, bytesSent: 2, bytesReceived: 4, firstAt: at(0), lastAt: at(2) },
    {
      ...record("b"),
      allowed: false,
      reason: "no",
      requests: 1,
      bytesSent: 0,
      bytesReceived: 0,
      firstAt: at(1),
      lastAt: at(1),
    },
  ]);
  expect(log.info.mock.calls.map(([, message]) => message as string)).toEqual(["egress", "egress refused"]);
  expect(log.debug).toHaveBeenCalledOnce();
});

test("places and sessions are bounded, the oldest go; sessions are apart, and forgotten", () => {
  const { book: kept, log } = book({ maxPlaces: 2, maxSessions: 2 });
  for (const host of ["a", "b", "a", "c"]) kept.add(key, record(host));
  expect(kept.of(key).map(({ host }) => host)).toEqual(["c", "a"]);
  expect(log.info).toHaveBeenCalledTimes(2);
  for (const sessionId of ["s2", "s3"]) kept.add({ tenant: "default", sessionId }, record("d"));
  expect(kept.of(key)).toEqual([]);
  expect(kept.of({ tenant: "other", sessionId: "s2" })).toEqual([]);
  kept.forget({ tenant: "default", sessionId: "s2" });
  expect(kept.of({ tenant: "default", sessionId: "s2" })).toEqual([]);
});
