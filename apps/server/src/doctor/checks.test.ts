import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createConnection, createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { resolveSettings } from "../settings/settings.ts";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import { diagnose, nodeFinding } from "./checks.ts";
import { report } from "./doctor.ts";

function settingsOf(flags: Record<string, unknown>) {
  return resolveSettings({ flags: { port: "0", sandbox: "unsafe-process", ...flags }, environment: {}, folder: "/" });
}

test("finds what works", async () => {
  using folder = temporaryFolder();
  const findings = await diagnose(await settingsOf({ dataDir: join(folder.path, "new") }), {
    ANTHROPIC_API_KEY: "secret-key",
  });
  expect(findings.map(({ state }) => state)).toEqual(["ok", "warn", "ok", "ok", "ok"]);
  expect(report(findings)).not.toContain("secret-key");
  expect(findings[4]?.detail).toContain("will be made");
});

test("finds what does not, with the remedy", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "file");
  writeFileSync(file, "");
  const blocker = createServer().listen(0, "127.0.0.1");
  await once(blocker, "listening");
  const { port } = blocker.address() as AddressInfo;
  const findings = await diagnose(
    await settingsOf({ dataDir: join(file, "x"), port, sandbox: "modal", model: "real" }),
    {},
  );
  blocker.close();
  expect(report(findings)).toMatch(/FAIL {2}Sandbox modal: .*MODAL_TOKEN_ID/);
  expect(report(findings)).toMatch(/FAIL {2}Model: .*ANTHROPIC_API_KEY/);
  expect(report(findings)).toMatch(/FAIL {2}Port \d+: .*--port/);
  expect(report(findings)).toMatch(/FAIL {2}Data directory: .*--data-dir/);
});

/** The address of the run's PostgreSQL. */
async function postgres(): Promise<string> {
  const socket = createConnection(process.env["AGENT_RUNTIME_TEST_DATABASES"] ?? "");
  socket.write("postgres\n");
  let text = "";
  for await (const part of socket) text += String(part);
  return (JSON.parse(text) as { url: string }).url;
}

test("a database that works, and one that does not; the password is not printed", async () => {
  using folder = temporaryFolder();
  const url = await postgres();
  const found = async (persistence: string) => {
    const findings = await diagnose(await settingsOf({ dataDir: folder.path, persistence }), {});
    return report(findings.filter(({ name }) => name === "Database"));
  };
  expect(await found(url)).toBe(`ok    Database: works (sessions in postgres://${new URL(url).host}/postgres)\n`);
  const wrong = await found(url.replace(/:[^:@/]+@/, ":secret-word@"));
  expect(wrong).toMatch(/^FAIL {2}Database: .*the user or the password is wrong: correct it/);
  expect(wrong).not.toContain("secret-word");
  expect(await found("memory")).toBe("");
});

test("a missing bubblewrap is found", async () => {
  const path = process.env["PATH"];
  process.env["PATH"] = "/nowhere";
  try {
    const [, sandbox] = await diagnose(await settingsOf({ sandbox: "local" }), {});
    expect(sandbox).toMatchObject({
      name: "Sandbox local",
      state: "fail",
      detail: expect.stringMatching(/bubblewrap/) as string,
    });
  } finally {
    process.env["PATH"] = path;
  }
});

test("a Docker engine that is not there is found", async () => {
  const before = process.env["DOCKER_HOST"];
  process.env["DOCKER_HOST"] = "unix:///nowhere/docker.sock";
  try {
    const [, sandbox] = await diagnose(await settingsOf({ sandbox: "docker" }), {});
    expect(sandbox).toMatchObject({
      name: "Sandbox docker",
      state: "fail",
      detail: expect.stringMatching(/no Docker engine at unix:\/\/\/nowhere.*Install and start Docker/) as string,
    });
  } finally {
    if (before === undefined) delete process.env["DOCKER_HOST"];
    else process.env["DOCKER_HOST"] = before;
  }
});

test("a sandbox that works: what holds its limits, and what does not", async () => {
  using folder = temporaryFolder();
  const [, sandbox] = await diagnose(await settingsOf({ sandbox: "local", dataDir: folder.path }), {});
  expect(sandbox?.detail).toMatch(
    /^works; memory: (cgroup v[12]|looked at, and prlimit for each process); .*open files and file size: prlimit; disk: /,
  );
  expect(sandbox?.state).toBe(sandbox?.detail.includes("missing here") === true ? "warn" : "ok");
});

test("Node has to be new enough", () => {
  const states = ["20.19.0", "22.17.9", "22.18.0", "24.0.0"].map((version) => nodeFinding(version).state);
  expect(states).toEqual(["fail", "fail", "ok", "ok"]);
});
