import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import { apiKeyOf } from "./api-key.ts";

test("a key is made once, kept with mode 0600, and found again", () => {
  using folder = temporaryFolder();
  const first = apiKeyOf(undefined, folder.path);
  expect(first).toMatchObject({ isNew: true, file: join(folder.path, "api-key") });
  expect(first.key).toMatch(/^ar_[\w-]{43}$/);
  expect(statSync(join(folder.path, "api-key")).mode & 0o777).toBe(0o600);
  chmodSync(join(folder.path, "api-key"), 0o644);
  expect(apiKeyOf(undefined, folder.path)).toEqual({ ...first, isNew: false });
  expect(statSync(join(folder.path, "api-key")).mode & 0o777).toBe(0o600);
});

test("a key that is given is used and not kept", () => {
  using folder = temporaryFolder();
  expect(apiKeyOf("mine", folder.path)).toEqual({ key: "mine", isNew: false });
  expect(() => readFileSync(join(folder.path, "api-key"))).toThrow("ENOENT");
});

test("a file without a key is no key", () => {
  using folder = temporaryFolder();
  for (const text of ["", "\n", "a b\n", "\u0000"]) {
    writeFileSync(join(folder.path, "api-key"), text);
    expect(() => apiKeyOf(undefined, folder.path)).toThrow("holds no key");
  }
});
