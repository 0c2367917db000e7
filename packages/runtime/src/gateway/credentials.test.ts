import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { credentialsFromEnvironment } from "./credentials.ts";

const session = { tenant: "default", sessionId: "s1" };
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "credentials-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test.each([
  ["ANTHROPIC_API_KEY_FILE", "apiKey"],
  ["ANTHROPIC_AUTH_TOKEN_FILE", "authToken"],
])("%s names a file, which is read at each request", async (variable, field) => {
  const file = join(folder, "key");
  writeFileSync(file, "first\n");
  const credentials = credentialsFromEnvironment({ [variable]: file });
  expect(await credentials(session)).toMatchObject({ [field]: "first" });
  writeFileSync(file, "second");
  expect(await credentials(session)).toMatchObject({ [field]: "second" });
  writeFileSync(file, " ");
  await expect(credentials(session)).rejects.toMatchObject({ code: "model_auth_failed" });
});

test("a file that is not there is said at the start; the variable itself comes first", async () => {
  const missing = join(folder, "missing");
  expect(() => credentialsFromEnvironment({ ANTHROPIC_API_KEY_FILE: missing })).toThrow(missing);
  const both = credentialsFromEnvironment({ ANTHROPIC_API_KEY_FILE: missing, ANTHROPIC_API_KEY: "direct" });
  expect(await both(session)).toMatchObject({ apiKey: "direct" });
});
