import { afterAll, beforeAll } from "vitest";
import { begin, one } from "./recorded/one.ts";

// One session that does everything, and what must be seen of it.

beforeAll(begin);

afterAll(async () => {
  await one?.[Symbol.asyncDispose]();
});

await import("./recorded/answers.ts");
await import("./recorded/blocks.ts");
await import("./recorded/events.ts");
await import("./recorded/state.ts");
