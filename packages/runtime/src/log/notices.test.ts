import { expect, test } from "vitest";
import { Notices, type Notice } from "./notices.ts";

const key = { tenant: "default", sessionId: "s1" };
const notice: Notice = { code: "persistence_unavailable", message: "not now" };

test("told to who follows, and to who comes while it lasts; not to others, nor to who left", () => {
  const notices = new Notices();
  const seen: string[] = [];
  const stop = notices.watch(key, () => seen.push("early"));
  notices.watch({ ...key, tenant: "other" }, () => seen.push("other"));
  notices.set(key, notice);
  notices.watch(key, () => seen.push("late"));
  stop();
  notices.set(key, undefined);
  notices.watch(key, () => seen.push("after"));
  expect(seen).toEqual(["early", "late"]);
  notices.set(key, notice);
  expect(seen).toEqual(["early", "late", "late", "after"]);
});
