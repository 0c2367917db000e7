/** MCP servers as `.mcp.json` of the ecosystem has them. */
import type { DraftProfile } from "./draft-profile.ts";
import { invalidProfile } from "./folder-files.ts";

/** Where the files of a plugin lie, in what it says. */
const PLUGIN_ROOT = "${CLAUDE_PLUGIN_ROOT}";
const KNOWN = new Set(["type", "command", "args", "env", "url", "headers", "disabled", "description"]);

type Fields = Readonly<Record<string, unknown>>;

/** `value`: `{ mcpServers: { name: { command, args?, env? } | { type, url, headers? } } }`, or those servers alone. */
export async function addMcpServers(draft: DraftProfile, value: unknown, file: string): Promise<void> {
  const place = draft.files.place(file);
  if (!isFields(value)) throw invalidProfile(place, "must be an object with mcpServers.");
  const servers = value["mcpServers"] ?? value;
  if (!isFields(servers))
    throw invalidProfile(`${place}: mcpServers`, "must be an object, with a server for each name.");
  for (const [name, server] of Object.entries(servers)) {
    const where = `${place}: mcpServers.${name}`;
    if (!isFields(server)) throw invalidProfile(where, "must be an object with command, or with type and url.");
    if (server["disabled"] === true) continue;
    const unknown = Object.keys(server).filter((key) => !KNOWN.has(key));
    if (unknown.length > 0)
      draft.notice(file, `mcpServers.${name}: ${unknown.join(", ")}: not supported, without effect`);
    if (server["url"] !== undefined) draft.add("externalMCPs", remoteServer(name, server, where), file);
    else if (JSON.stringify(server).includes(PLUGIN_ROOT)) await addOwnServer(draft, { name, server, where, file });
    else draft.add("externalMCPs", localServer(name, server, where), file);
  }
}

function remoteServer(name: string, { type, url, headers }: Fields, where: string): object {
  refuseVariables(url, `${where}.url`);
  const host = typeof url === "string" ? URL.parse(url)?.host : undefined;
  const hosts = host === undefined ? undefined : [host];
  return {
    name,
    type: type === "streamable-http" || type === undefined ? "http" : type,
    url,
    ...(headers === undefined ? {} : { headers: variables(headers, { where: `${where}.headers`, hosts }) }),
  };
}

function localServer(name: string, { type, command, args, env }: Fields, where: string): object {
  refuseVariables([command, args], where);
  return {
    name,
    ...(type === undefined ? {} : { type }),
    command,
    ...(args === undefined ? {} : { args }),
    ...(env === undefined ? {} : { env: variables(env, { where: `${where}.env`, hosts: undefined }) }),
  };
}

/** A server whose program lies in the plugin: that is copied into the sandbox, and the program started there. */
async function addOwnServer(
  draft: DraftProfile,
  { name, server, where, file }: { name: string; server: Fields; where: string; file: string },
): Promise<void> {
  const { command, args = [], env = {} } = server;
  if (typeof command !== "string" || !Array.isArray(args) || !args.every((arg) => typeof arg === "string")) {
    throw invalidProfile(where, "needs a command, and args that are texts.");
  }
  if (!isFields(env)) throw invalidProfile(`${where}.env`, "must be an object of texts.");
  const settings = Object.entries(env).map(([key, value]) => {
    if (typeof value !== "string" || !/^[A-Za-z_]\w*$/.test(key)) {
      throw invalidProfile(
        `${where}.env.${key}`,
        "must be a text. A secret goes into profile.json: environmentVariables.",
      );
    }
    return `${key}=${word(value, `${where}.env.${key}`)}`;
  });
  const words = [command, ...args].map((text) => word(text, where));
  const hasPackages = (await draft.files.text("package.json")) !== null;
  const bundled = {
    name,
    description: `MCP server ${name}`,
    localProjectPath: draft.files.root,
    // It starts in the copied folder.
    startCommand: [...settings, ...words].join(" "),
    installCommand: hasPackages ? "npm install --omit=dev --no-audit --no-fund" : "true",
  };
  draft.add("bundledMCPs", bundled, file);
}

/** A word of a shell's line. Its folder is where the line is run. */
function word(text: string, where: string): string {
  const local = text.replaceAll(PLUGIN_ROOT, ".");
  refuseVariables(local, where);
  return `'${local.replaceAll("'", "'\\''")}'`;
}

/** A value that is `${NAME}` and nothing else is the secret NAME, which goes to the server's host alone. */
function variables(value: unknown, { where, hosts }: { where: string; hosts: readonly string[] | undefined }): unknown {
  if (!isFields(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, text]) => {
      const [, secret] = typeof text === "string" ? (/^\$\{(\w+)\}$/.exec(text) ?? []) : [];
      if (secret !== undefined && hosts !== undefined) return [name, { secret, hosts }];
      refuseVariables(text, `${where}.${name}`);
      return [name, text];
    }),
  );
}

/** Variables of the host's environment are no sandbox's business. */
function refuseVariables(value: unknown, where: string): void {
  const found = /\$\{[^}]*\}/.exec(JSON.stringify(value ?? ""));
  if (found === null) return;
  const remedy = 'Write the text, or in env and headers a secret: { "secret": "NAME", "hosts": ["api.example.com"] }.';
  throw invalidProfile(where, `${found[0]} is not put in here. ${remedy}`);
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
