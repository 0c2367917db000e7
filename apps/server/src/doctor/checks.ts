import { toRuntimeError } from "@hhopkins/agent-runtime-protocol";
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, resolve } from "node:path";
import { once } from "node:events";
import type { Settings } from "../settings/settings.ts";
import { modelCredential } from "../serve/model.ts";
import { describePersistence, persistenceFor, sandboxFor } from "../serve/parts.ts";

export interface Finding {
  readonly name: string;
  /** `fail`: the server would not start, or could do nothing. */
  readonly state: "ok" | "warn" | "fail";
  /** What was found and, where it is not well, the remedy. */
  readonly detail: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Looks at everything that a start needs. Never rejects; changes nothing but a database that has not our tables yet. */
export async function diagnose(settings: Settings, environment: Environment): Promise<Finding[]> {
  return [
    nodeFinding(process.versions.node),
    await sandboxFinding(settings, environment),
    credentialFinding(settings, environment),
    await portFinding(settings),
    dataDirFinding(settings.dataDir),
    ...(isDatabase(settings) ? [await databaseFinding(settings)] : []),
  ];
}

const NODE = { major: 22, minor: 18 };

export function nodeFinding(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const enough = major > NODE.major || (major === NODE.major && minor >= NODE.minor);
  const wanted = `${NODE.major}.${NODE.minor}`;
  return enough
    ? { name: "Node", state: "ok", detail: version }
    : { name: "Node", state: "fail", detail: `${version} is too old: install Node ${wanted} or newer.` };
}

async function sandboxFinding(settings: Settings, environment: Environment): Promise<Finding> {
  const name = `Sandbox ${settings.sandbox}`;
  if (settings.sandbox === "unsafe-process") {
    return {
      name,
      state: "warn",
      detail: "Agents are not isolated. Use --sandbox local for anything but development.",
    };
  }
  try {
    const provider = sandboxFor(settings, settings.dataDir, environment);
    await provider.probe?.();
    const { has, lacks } = (await provider.describe?.()) ?? { has: [], lacks: [] };
    const detail = ["works", ...has, ...(lacks.length === 0 ? [] : [`missing here: ${lacks.join(", ")}`])].join("; ");
    return { name, state: lacks.length === 0 ? "ok" : "warn", detail };
  } catch (error) {
    return { name, state: "fail", detail: toRuntimeError(error).message };
  }
}

function isDatabase({ persistence }: Settings): boolean {
  return persistence !== "sqlite" && persistence !== "memory";
}

/** Opens the database as a start would; what a first start makes there is made. */
async function databaseFinding(settings: Settings): Promise<Finding> {
  const name = "Database";
  const adapter = persistenceFor(settings, settings.dataDir);
  try {
    await adapter.open?.();
    return { name, state: "ok", detail: `works${describePersistence(settings.persistence)}` };
  } catch (error) {
    return { name, state: "fail", detail: toRuntimeError(error).message };
  } finally {
    await adapter.close?.();
  }
}

function credentialFinding(settings: Settings, environment: Environment): Finding {
  const name = "Model";
  const variable = modelCredential(environment);
  if (settings.model === "scripted") return { name, state: "ok", detail: "scripted, as asked for" };
  if (variable !== null) return { name, state: "ok", detail: `credential in ${variable}` };
  const remedy = "Set ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN for the real model.";
  return settings.model === "real"
    ? { name, state: "fail", detail: `There is no credential. ${remedy}` }
    : { name, state: "warn", detail: `There is no credential, so the scripted model is used. ${remedy}` };
}

async function portFinding({ host, port }: Settings): Promise<Finding> {
  const name = `Port ${port}`;
  const server = createServer();
  server.listen(port, host);
  try {
    await once(server, "listening");
    return { name, state: "ok", detail: `free on ${host}` };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { name, state: "fail", detail: `${reason}. Stop what listens there, or choose another with --port.` };
  } finally {
    server.close();
  }
}

function dataDirFinding(dataDir: string): Finding {
  const name = "Data directory";
  const path = resolve(dataDir);
  // It is made at the first start, so what counts until then is the nearest folder that is there.
  let nearest = path;
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  try {
    if (!statSync(nearest).isDirectory()) throw new Error(`${nearest} is not a directory`);
    accessSync(nearest, constants.W_OK | constants.X_OK);
    return { name, state: "ok", detail: nearest === path ? path : `${path} will be made` };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return {
      name,
      state: "fail",
      detail: `${path}: ${reason}. Make it writable for this user, or choose another with --data-dir.`,
    };
  }
}
