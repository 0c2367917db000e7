import { expect, test } from "vitest";
import { Mailbox } from "./mailbox.ts";
import { Slots } from "./slots.ts";

test("tasks run one after another, and a failure stops nobody else", async () => {
  const mailbox = new Mailbox();
  const order: string[] = [];
  const slow = mailbox.run(async () => {
    await new Promise((resolve) => setImmediate(resolve));
    order.push("slow");
  });
  const broken = mailbox.run(() => Promise.reject(new Error("broken")));
  const last = mailbox.run(async () => order.push("last"));
  await expect(broken).rejects.toThrow("broken");
  await Promise.all([slow, last]);
  expect(order).toEqual(["slow", "last"]);
  expect(mailbox.size).toBe(0);
});

test("slots are given in order, and who waits knows the place", async () => {
  const slots = new Slots(1);
  const { signal } = new AbortController();
  const release = await slots.acquire(signal, () => undefined);
  const positions: number[][] = [[], []];
  const gaveUp = new AbortController();
  const second = slots.acquire(gaveUp.signal, (position) => positions[0]?.push(position));
  const third = slots.acquire(signal, (position) => positions[1]?.push(position));
  gaveUp.abort(new Error("gave up"));
  await expect(second).rejects.toThrow("gave up");
  release();
  release();
  const next = await third;
  expect(positions).toEqual([[1], [2, 1]]);
  next();
  await slots.acquire(signal, () => undefined);
});
