import { expect, test } from "vitest";
import { Slots } from "./slots.ts";

const signal = new AbortController().signal;
const nobody = (): void => undefined;

test("a promise is a slot or a place in the line, kept until it is taken or forgone", async () => {
  const slots = new Slots(1, 1);
  expect(slots.promise("a")).toBe(true);
  expect(slots.promise("a")).toBe(true);
  expect(slots.isShort).toBe(true);
  expect(slots.promise("b")).toBe(true);
  expect(slots.promise("c")).toBe(false);
  expect([slots.taken, slots.waiting]).toEqual([0, 2]);
  const release = await slots.acquire(signal, nobody, "a");
  expect([slots.taken, slots.waiting]).toEqual([1, 1]);
  expect(slots.promise("c")).toBe(false);
  slots.forgo("b");
  expect(slots.promise("c")).toBe(true);
  const places: number[] = [];
  const waiting = slots.acquire(signal, (place) => void places.push(place), "c");
  expect(places).toEqual([1]);
  expect(slots.promise("d")).toBe(false);
  release();
  (await waiting)();
  expect([slots.taken, slots.waiting, slots.isShort]).toEqual([0, 0, false]);
});

test("who waits has no bound where none is given, and a sandbox that runs already counts beyond the limit", async () => {
  const slots = new Slots(1);
  for (let index = 0; index < 2000; index += 1) expect(slots.promise(`s${index}`)).toBe(true);
  const adopted = [slots.adopt(), slots.adopt()];
  expect(slots.taken).toBe(2);
  for (const release of adopted) release();
  expect(slots.taken).toBe(0);
});
