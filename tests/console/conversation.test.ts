import { script } from "@hhopkins/agent-runtime-testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startConsoleUnderTest, type ConsoleUnderTest } from "./testing/console-under-test.ts";

let console: ConsoleUnderTest;
beforeAll(async () => {
  console = await startConsoleUnderTest();
});
afterAll(() => console[Symbol.asyncDispose]());

test("text is seen while it grows", async () => {
  const sessionId = await console.createSession();
  const { page } = await console.open({ path: `/sessions/${sessionId}` });
  await page.getByLabel("Message").fill(`hello ${script([{ text: "the answer" }])}`);
  await page.getByLabel("Message").press("Enter");
  await page.getByText("the answer", { exact: true }).waitFor();
  expect(page.url()).toContain(sessionId);
});
