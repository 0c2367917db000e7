import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { createLog } from "./log.ts";

function logged(level: string, write: (log: ReturnType<typeof createLog>) => void): string {
  const stream = new PassThrough();
  write(createLog(level, stream as unknown as NodeJS.WriteStream));
  return (stream.read() as Buffer | null)?.toString() ?? "";
}

test("keys and texts never reach a log", () => {
  const text = logged("debug", (log) => {
    log.info({ apiKey: "SECRET", headers: { authorization: "SECRET", "x-api-key": "SECRET" } }, "a");
    log.debug({ content: "SECRET", event: { data: { delta: "SECRET" } }, message: { content: "SECRET" } }, "b");
    log.error({ config: { modal: { tokenSecret: "SECRET" } }, credential: { authToken: "SECRET" } }, "c");
  });
  expect(text.trim().split("\n")).toHaveLength(3);
  expect(text).not.toContain("SECRET");
});

test("the level is kept; an error comes with its cause", () => {
  const text = logged("warn", (log) => {
    log.info({}, "not this");
    log.warn({ err: new Error("outer", { cause: new Error("inner") }) }, "this");
  });
  expect(text).not.toContain("not this");
  expect(JSON.parse(text)).toMatchObject({
    level: 40,
    msg: "this",
    err: { message: expect.stringContaining("inner") as string },
  });
  expect(logged("silent", (log) => log.error({}, "x"))).toBe("");
});
