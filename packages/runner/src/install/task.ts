/** The other task of the runner's bundle: sets up an environment in a sandbox of its own, and ends. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { encodeLine, fromZodError } from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";
import { startBridge } from "../bridge.ts";
import { runStep } from "./run-step.ts";
import { installSteps, installVariables } from "./steps.ts";
import { InstallRequest } from "./wire.ts";
import type { InstallReport } from "./wire.ts";

const path = z.string().startsWith("/", "must be an absolute path");
const Settings = z.object({
  AGENT_RUNTIME_HOME: path,
  AGENT_RUNTIME_SOCKETS: path,
  AGENT_RUNTIME_PACKAGES: path,
  AGENT_RUNTIME_ENVIRONMENT: path,
  /** What the proxy wants to be shown. */
  AGENT_RUNTIME_MODEL_TOKEN: z.string().min(1),
});
type Settings = z.infer<typeof Settings>;

const DIAL_EVERY_MS = 20;
const DIAL_FOR_MS = 60_000;
/** An output that is passed on stands for the others of so long. */
const OUTPUT_EVERY_MS = 500;

/** Does what the server on `runner.sock` asks for, once. Throws what is wrong with the process's environment. */
export async function runInstallTask(environment: Readonly<Record<string, string | undefined>>): Promise<void> {
  const parsed = Settings.safeParse(environment);
  if (!parsed.success) throw fromZodError(parsed.error, "environment", "invalid_configuration");
  const settings = parsed.data;
  const server = await dial(join(settings.AGENT_RUNTIME_SOCKETS, "runner.sock"));
  const say = (report: InstallReport): void => void server.write(encodeLine(report));
  const bridge = await startBridge({
    socket: join(settings.AGENT_RUNTIME_SOCKETS, "gateway.sock"),
    port: 0,
    holdMs: 10_000,
    log: () => undefined,
  });
  try {
    const request = await requestFrom(server);
    await install(request, {
      settings,
      proxy: withToken(bridge.url, settings),
      path: environment["PATH"] ?? "/usr/bin:/bin",
      say,
    });
    say({ type: "done" });
  } catch (error) {
    say({ type: "failed", message: error instanceof Error ? error.message : String(error) });
  } finally {
    await new Promise<void>((resolve) => server.end(resolve));
    await bridge.stop();
  }
}

interface Installation {
  readonly settings: Settings;
  readonly proxy: string;
  readonly path: string;
  readonly say: (report: InstallReport) => void;
}

async function install(request: InstallRequest, { settings, proxy, path, say }: Installation): Promise<void> {
  const environment = settings.AGENT_RUNTIME_ENVIRONMENT;
  const tools = layOutTools(settings);
  const npm = [process.execPath, npmProgram(settings, "npm")];
  const variables = {
    ...installVariables(request),
    ...proxyVariables(proxy),
    PATH: [tools, join(environment, "node_modules/.bin"), join(environment, "python/bin"), path].join(":"),
    HOME: settings.AGENT_RUNTIME_HOME,
    LANG: "C.UTF-8",
    npm_config_cache: join(settings.AGENT_RUNTIME_HOME, ".npm"),
    npm_config_userconfig: join(settings.AGENT_RUNTIME_HOME, ".npmrc"),
    npm_config_globalconfig: join(settings.AGENT_RUNTIME_HOME, ".npmrc-global"),
    // The mark by which processes of an unisolated sandbox are found.
    ...passedOn(["TMPDIR", "AGENT_RUNTIME_SANDBOX"]),
  };
  const output = paced((line) => say({ type: "output", line }), OUTPUT_EVERY_MS);
  if (request.npm.length > 0 && !existsSync(join(environment, "package.json")))
    writeFileSync(join(environment, "package.json"), '{"private":true}\n');
  for (const step of installSteps(request, { environment, npm })) {
    say({ type: "step", label: step.label.slice(0, 500) });
    await runStep(step, variables, output.say).finally(output.stop);
  }
}

function passedOn(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

function withToken(proxy: string, { AGENT_RUNTIME_MODEL_TOKEN: token }: Settings): string {
  const url = new URL(proxy);
  url.username = "agent";
  url.password = token;
  return url.href;
}

/** The only way out: through the bridge, to what the server lets through. */
function proxyVariables(proxy: string): Record<string, string> {
  return Object.fromEntries(
    ["HTTP_PROXY", "HTTPS_PROXY", "npm_config_proxy", "npm_config_https_proxy"]
      .flatMap((name) => (name.startsWith("npm") ? [name] : [name, name.toLowerCase()]))
      .map((name) => [name, proxy] as const)
      .concat([
        ["NODE_USE_ENV_PROXY", "1"],
        // An index on the machine's own loopback, too, is asked by way of the proxy.
        ["NO_PROXY", ""],
        ["no_proxy", ""],
        ["npm_config_noproxy", ""],
      ]),
  );
}

function npmProgram({ AGENT_RUNTIME_PACKAGES: packages }: Settings, name: "npm" | "npx"): string {
  return join(packages, "node_modules/npm/bin", `${name}-cli.js`);
}

/** `npm` and `pip` for the commands of projects: they may be missing here, or be others. */
function layOutTools(settings: Settings): string {
  const folder = join(settings.AGENT_RUNTIME_HOME, ".install-tools");
  mkdirSync(folder, { recursive: true });
  const python = join(settings.AGENT_RUNTIME_ENVIRONMENT, "python/bin/python3");
  const programs = {
    npm: [process.execPath, npmProgram(settings, "npm")],
    npx: [process.execPath, npmProgram(settings, "npx")],
    pip: [python, "-m", "pip"],
    pip3: [python, "-m", "pip"],
  };
  for (const [name, command] of Object.entries(programs)) {
    const words = command.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(" ");
    writeFileSync(join(folder, name), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
  }
  return folder;
}

/** The server listens before it starts this, or a moment later. */
async function dial(socketPath: string): Promise<Socket> {
  const until = performance.now() + DIAL_FOR_MS;
  for (;;) {
    const socket = connect({ path: socketPath });
    const failure = await new Promise<Error | null>((resolve) => {
      socket.once("connect", () => resolve(null));
      socket.once("error", resolve);
    });
    if (failure === null) {
      // A server that hangs up ends the sandbox; there is nobody else to tell.
      socket.on("error", () => process.exit(1));
      return socket;
    }
    if (performance.now() > until) throw failure;
    await sleep(DIAL_EVERY_MS);
  }
}

async function requestFrom(server: Socket): Promise<InstallRequest> {
  const lines = createInterface({ input: server });
  // It passes on the socket's errors.
  lines.on("error", () => undefined);
  for await (const line of lines) return InstallRequest.parse(JSON.parse(line));
  throw new Error("The server has hung up");
}

/** The first at once, then the newest, no more than one in so many ms. */
function paced(say: (line: string) => void, everyMs: number): { say(line: string): void; stop(): void } {
  let said = Number.NEGATIVE_INFINITY;
  let newest = "";
  let timer: NodeJS.Timeout | undefined;
  const now = (): void => {
    timer = undefined;
    said = performance.now();
    say(newest);
  };
  return {
    say(line) {
      newest = line;
      timer ??= setTimeout(now, Math.max(0, said + everyMs - performance.now()));
    },
    stop: () => {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
