import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { maskOf } from "../gateway/index.ts";
import type { Sandbox } from "../sandbox/port.ts";
import { readSandboxLog, type LoggingSession } from "./sandbox-log.ts";

const KEY = { tenant: "default", sessionId: "s1" };
let state: string;

beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), "sandbox-log-"));
});
afterEach(() => rm(state, { recursive: true, force: true }));

/** A session whose sandbox runs programs on this host; its state folder is `state`. */
function session(exec: Sandbox["exec"] = here): LoggingSession {
  return {
    key: KEY,
    running: { sandbox: { exec }, stored: { token: "token-of-gateway" } },
  } as unknown as LoggingSession;
}

const here: Sandbox["exec"] = async ([program = "", ...rest], { signal, cwd } = {}) => {
  const child = spawn(program, rest, { env: { PATH: process.env["PATH"], AGENT_RUNTIME_STATE: state }, signal, cwd });
  child.on("error", () => undefined);
  const exited = new Promise<{ code: number | null }>((resolve) => child.on("close", (code) => resolve({ code })));
  const { stdin, stdout, stderr } = child;
  return { stdin, stdout, stderr, exited };
};

const read = (about: LoggingSession) =>
  readSandboxLog(
    {
      gatewayVariables: async () => ({ ANTHROPIC_API_KEY: "sk-the-real-key" }),
      masked: (text, values) => maskOf(values).text(text),
    },
    about,
  );

test("the last lines, whole, without the sandbox's secrets and without what moves a terminal's cursor", async () => {
  await writeFile(join(state, "runner.log"), "starts\n\u001b[2Jtoken-of-gateway and sk-the-real-key ü\n\nends\n");
  expect(await read(session())).toEqual({
    lines: ["starts", "[2J**************** and *************** ü", "ends"],
  });
});

test("of a long log no more than 500 lines and 64 KiB, none of them cut at its beginning", async () => {
  const many = Array.from({ length: 5000 }, (_, index) => `line ${index}`);
  await writeFile(join(state, "runner.log"), many.join("\n"));
  expect((await read(session())).lines).toEqual(many.slice(-500));
  const long = Array.from({ length: 100 }, (_, index) => `${index} ${"ä".repeat(1000)}`);
  await writeFile(join(state, "runner.log"), long.join("\n"));
  expect((await read(session())).lines).toEqual(long.slice(-32));
});

test("where there are none it says why", async () => {
  expect(await read(undefined)).toEqual({
    lines: [],
    reason: expect.stringContaining("No sandbox of it runs") as string,
  });
  const starting = { key: KEY, running: undefined };
  expect(await read(starting)).toEqual({ lines: [], reason: expect.stringContaining("No sandbox") as string });
  expect(await read(session())).toEqual({ lines: [], reason: "Its runner has written nothing yet." });
  const lost = session(() => Promise.reject(new Error("the line is gone")));
  expect(await read(lost)).toEqual({ lines: [], reason: "It could not be read: the line is gone" });
});

test("an agent that puts something else in the log's place gets nobody to wait for it", async () => {
  execFileSync("/bin/sh", ["-c", 'mkfifo "$0"', join(state, "runner.log")]);
  expect((await read(session())).lines).toEqual([]);
});
