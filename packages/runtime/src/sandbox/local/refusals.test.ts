import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { WITHOUT_END, testSpec } from "../testing/inside.ts";
import { bubblewrapMissing, explainRefusal } from "./remedy.ts";
import { localScene } from "./testing/scene.ts";

const { scratch, dataDir, provider, end } = localScene();

afterAll(end);

afterEach(() => {
  // Whatever was refused has left nothing behind.
  expect(existsSync(join(dataDir, "sandboxes")) ? readdirSync(join(dataDir, "sandboxes")) : []).toEqual([]);
});

test("without bubblewrap: the remedy, and never less isolation", async () => {
  const without = provider({ path: join(scratch, "nothing-here") });
  const error = { code: "isolation_unavailable", message: expect.stringContaining("apt-get install bubblewrap") };
  await expect(without.probe!()).rejects.toMatchObject(error);
  await expect(without.create(testSpec("refused-missing"), WITHOUT_END)).rejects.toMatchObject(error);
});

test("a bubblewrap that is refused: its words and the remedy", async () => {
  const folder = join(scratch, "refusing");
  mkdirSync(folder);
  const bwrap = "#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n";
  writeFileSync(join(folder, "bwrap"), bwrap, { mode: 0o755 });
  const refusing = provider({ path: folder });
  const error = {
    code: "isolation_unavailable",
    message: expect.stringMatching(/setting up uid map: Permission denied.*--sandbox unsafe-process/s),
  };
  await expect(refusing.probe!()).rejects.toMatchObject(error);
  await expect(refusing.create(testSpec("refused-uid"), WITHOUT_END)).rejects.toMatchObject(error);
  expect(explainRefusal("bwrap: Creating new namespace failed: Resource temporarily unavailable").code).toBe(
    "sandbox_unavailable",
  );
  expect(explainRefusal("bwrap: Unknown option --disable-userns").message).toContain("0.8 or newer");
  expect(bubblewrapMissing("darwin").message).toContain("Linux machine");
  expect(bubblewrapMissing("win32").message).toContain("WSL 2");
});

test("a bubblewrap that hangs: an end after the deadline, or when it is called off", async () => {
  const folder = join(scratch, "hanging");
  mkdirSync(folder);
  writeFileSync(join(folder, "bwrap"), "#!/bin/sh\nexec /bin/sleep 1000\n", { mode: 0o755 });
  await expect(
    provider({ path: folder, startTimeoutMs: 100 }).create(testSpec("refused-slow"), WITHOUT_END),
  ).rejects.toMatchObject({
    code: "sandbox_unavailable",
  });
  const abort = new AbortController();
  const begun = provider({ path: folder }).create(testSpec("refused-off"), {
    signal: abort.signal,
    onProgress: () => abort.abort(new Error("called off")),
  });
  await expect(begun).rejects.toThrow("called off");
});

test("a runner that is not there, a key or an environment that is not valid", async () => {
  const missing = testSpec("refused-runner", { runner: { bundle: join(scratch, "none.mjs"), packages: {} } });
  await expect(provider().create(missing, WITHOUT_END)).rejects.toThrow("ENOENT");
  await expect(provider().create(testSpec("../refused"), WITHOUT_END)).rejects.toMatchObject({
    code: "invalid_request",
  });
  const sly = testSpec("refused-nul", { environment: { A: "1\0--bind\0/\0/host" } });
  await expect(provider().create(sly, WITHOUT_END)).rejects.toMatchObject({ code: "invalid_request" });
});

test("the probe starts a real sandbox and leaves nothing", async () => {
  const before = process.env["TMPDIR"];
  const folder = join(scratch, "t");
  mkdirSync(folder);
  process.env["TMPDIR"] = folder;
  try {
    await provider().probe!();
  } finally {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  }
  expect(readdirSync(folder)).toEqual([]);
});
