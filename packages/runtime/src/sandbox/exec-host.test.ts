import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { hostExecDoor } from "./exec-door.ts";
import { ExecHost } from "./exec-host.ts";
import type { ExecHostParts } from "./exec-host.ts";
import { WAIT_FOR_EXEC, makeExecFifo, supervisorPath } from "./exec-start.ts";
import { processIdentity } from "./host-process.ts";
import type { SandboxProcess } from "./port.ts";

// What is inside a sandbox, without one: the shell that waits on the FIFO, and the real supervisor.
const scratch = mkdtempSync(join(tmpdir(), "exec-test-"));
const ends: (() => void)[] = [];

afterAll(() => {
  for (const end of ends) end();
  rmSync(scratch, { recursive: true });
});

async function place(): Promise<string> {
  const sockets = mkdtempSync(join(scratch, "s-"));
  await makeExecFifo(sockets);
  return sockets;
}

function startInside(sockets: string): void {
  const files = [process.execPath, "runner", supervisorPath(), sockets];
  const inside = spawn("/bin/sh", ["-c", `${WAIT_FOR_EXEC}; exec sleep 1000`, "sh", ...files], {
    env: { PATH: process.env["PATH"], AGENT_RUNTIME_SOCKETS: sockets, AGENT_RUNTIME_WORKSPACE: scratch },
    detached: true,
    stdio: "ignore",
  });
  ends.push(() => process.kill(-(inside.pid ?? 0), "SIGKILL"));
}

/** A server that starts programs there; `letGo` is its end. */
function server(sockets: string, parts: Partial<ExecHostParts> = {}): { host: ExecHost; letGo: () => void } {
  const end = new AbortController();
  ends.push(() => end.abort());
  const host = new ExecHost({ door: hostExecDoor(sockets), signal: end.signal, ...parts });
  return { host, letGo: () => end.abort() };
}

async function scene(parts?: Partial<ExecHostParts>): Promise<{ sockets: string; host: ExecHost; letGo: () => void }> {
  const sockets = await place();
  startInside(sockets);
  return { sockets, ...server(sockets, parts) };
}

async function output(process: SandboxProcess): Promise<string> {
  let text = "";
  for await (const chunk of process.stdout) text += String(chunk);
  await process.exited;
  return text;
}

/** The supervisor's number: it is the parent of what it starts. */
async function supervisorOf(host: ExecHost): Promise<number> {
  return Number(await output(await host.exec(["/bin/sh", "-c", "echo $PPID"], {})));
}

function socketOf(sockets: string): string {
  const name = readdirSync(sockets).find((one) => /^exec-.*\.sock$/.test(one));
  return join(sockets, name ?? "none");
}

function dial(path: string, text: string): Socket {
  const socket = createConnection(path, () => socket.write(text));
  socket.on("error", () => undefined);
  ends.push(() => socket.destroy());
  return socket;
}

test("nobody inside reads the FIFO: an error after the deadline, and not for ever", async () => {
  const { host } = server(await place(), { startTimeoutMs: 50 });
  await expect(host.exec(["true"], {})).rejects.toMatchObject({ code: "sandbox_unavailable" });
});

test("a program that is asked for before the shell inside is ready waits for it", async () => {
  const sockets = await place();
  const started = server(sockets).host.exec(["echo", "late"], {});
  startInside(sockets);
  expect(await output(await started)).toBe("late\n");
});

test("a supervisor that is killed takes its programs' streams with it; the next program gets another", async () => {
  const { host } = await scene();
  const first = await supervisorOf(host);
  const lost = await host.exec(["/bin/sh", "-c", "echo $$; exec sleep 1000"], {});
  const pid = await new Promise<number>((resolve) => lost.stdout.once("data", (data) => resolve(Number(data))));
  // Nobody ends it any more.
  ends.push(() => process.kill(pid, "SIGKILL"));
  lost.stdout.on("error", () => undefined);
  process.kill(first, "SIGKILL");
  expect(await lost.exited).toEqual({ code: null });
  const second = await supervisorOf(host);
  expect(second).not.toBe(first);
});

test("a supervisor without work ends, and its programs end with the server that started them", async () => {
  const { host } = await scene({ idleMs: 1 });
  const idle = await supervisorOf(host);
  await expect.poll(() => processIdentity(idle)).toBeNull();
  const other = await scene();
  const sleeping = await other.host.exec(["/bin/sh", "-c", "echo $$ $PPID; exec sleep 1000"], {});
  const said = await new Promise<string>((resolve) => sleeping.stdout.once("data", (data) => resolve(String(data))));
  const [program, supervisor] = said.split(" ").map(Number);
  sleeping.stdout.on("error", () => undefined);
  other.letGo();
  await expect.poll(() => processIdentity(program ?? 0)).toBeNull();
  await expect.poll(() => processIdentity(supervisor ?? 0)).toBeNull();
  expect(await sleeping.exited).toEqual({ code: null });
  await expect(other.host.exec(["true"], {})).rejects.toMatchObject({ code: "sandbox_lost" });
  await expect.poll(() => existsSync(socketOf(other.sockets))).toBe(false);
});

test("two servers at once start programs, each by a supervisor of its own", async () => {
  const { sockets, host } = await scene();
  const second = server(sockets);
  const [one, two] = await Promise.all([supervisorOf(host), supervisorOf(second.host)]);
  expect(one).not.toBe(two);
  second.letGo();
  await expect.poll(() => processIdentity(two)).toBeNull();
  expect(await output(await host.exec(["echo", "still here"], {}))).toBe("still here\n");
});

test("what a stranger inside says harms nobody: no words, wrong words, too many, somebody else's", async () => {
  const { sockets, host } = await scene();
  await supervisorOf(host);
  const path = socketOf(sockets);
  const running = await host.exec(["cat"], {});
  const strangers = [
    "",
    "\n",
    "no JSON\n",
    '{"control":true}\n{"id":"x","exit":0}\n',
    '{"id":"unknown","stream":"stdout"}\nmine',
    '{"id":1,"stream":"stdin"}\n',
    '{"id":"x","stream":"stderr","more":"' + "y".repeat(10_000),
    "z".repeat(1_000_000),
  ].map((text) => dial(path, text));
  for (const socket of strangers.slice(1)) await new Promise((resolve) => socket.on("close", resolve).resume());
  running.stdin.end("fine");
  expect(await output(running)).toBe("fine");
  strangers[0]?.destroy();
});

test("more connections than any server needs are turned away, and the programs go on", async () => {
  const { sockets, host } = await scene();
  await supervisorOf(host);
  const path = socketOf(sockets);
  const sockets_ = Array.from({ length: 1100 }, () => dial(path, ""));
  let closed = 0;
  for (const socket of sockets_) socket.on("close", () => (closed += 1)).resume();
  await expect.poll(() => closed).toBeGreaterThanOrEqual(76);
  for (const socket of sockets_) socket.destroy();
  await expect.poll(() => closed).toBe(1100);
  expect(await output(await host.exec(["echo", "fine"], {}))).toBe("fine\n");
});
