import type { PersistenceSubject } from "@hhopkins/agent-runtime-testkit";
import { createClient } from "@supabase/supabase-js";
import { RuntimeError, type SessionEvent } from "@hhopkins/agent-runtime-protocol";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { PersistenceAdapter } from "../port.ts";
import type { SessionKey, SessionStore } from "../session-store.ts";
import { SESSION_TABLES } from "../sql/schema.ts";
import { contractTests } from "../testing/contract-tests.ts";
import { supabasePersistence } from "./index.ts";
import { startProject, type TestProject } from "./testing/project.ts";

let project: TestProject;
const open: PersistenceAdapter[] = [];

beforeAll(async () => {
  project = await startProject();
});
afterEach(async () => {
  for (const adapter of open.splice(0)) await adapter.close?.();
});
afterAll(async () => project?.stop());

/** As users have them generated: of a project whose own tables and functions are others. */
interface Database {
  public: {
    Tables: { notes: { Row: { id: number }; Insert: { id: number }; Update: { id?: number }; Relationships: [] } };
    Views: Record<string, never>;
    Functions: { add: { Args: { a: number }; Returns: number } };
  };
}

/** A client of supabase-js that shows this token, as one of a signed-in user does. */
function clientWith(token: string) {
  return createClient(project.url, project.anonKey, { accessToken: async () => token });
}

/** As a server that has a token instead of the service key. */
async function opened(token: string) {
  const adapter = supabasePersistence({ client: clientWith(token), cluster: false });
  open.push(adapter);
  await adapter.open?.();
  return adapter;
}

test("client: one with types of a project of its own is one too", async () => {
  const token = project.token({ tenant: "typed" });
  const client = createClient<Database>(project.url, project.anonKey, { accessToken: async () => token });
  const adapter = supabasePersistence({ client, cluster: false });
  open.push(adapter);
  await adapter.open?.();
  expect((await adapter.store.list({ tenant: "typed", limit: 1 })).sessions).toEqual([]);
});

const ofTenant = (tenant: string) => opened(project.token({ tenant }));

async function clear(): Promise<void> {
  const tables = [...SESSION_TABLES, "removals"].map((table) => `agent_runtime.${table}`);
  await project.database.query(tables.map((table) => `delete from ${table}`).join("; "));
}

const subject: PersistenceSubject = {
  open: async () => {
    await clear();
    return await ofTenant("default");
  },
  reopen: async () => {
    for (const adapter of open.splice(0)) await adapter.close?.();
    return await ofTenant("default");
  },
  second: () => ofTenant("default"),
  rowCount: async () => {
    const counts = SESSION_TABLES.map((table) => `(select count(*) from agent_runtime.${table})`);
    const [row] = await project.database.query<{ rows: string }>(`select ${counts.join(" + ")} as rows`);
    return Number(row?.rows);
  },
  tenants: false,
  because: { tenants: "the token is one tenant's" },
};

contractTests({ store: "supabase, RLS", version: "PostgREST 12.0.2, supabase-js 2.119.1" }, () => subject, {
  suites: ["store"],
});

const SHA = "a".repeat(64);
const AT = "2026-11-22T08:00:00.000Z";
const theirs: SessionKey = { tenant: "b", sessionId: "s1" };

function event(seq: number): SessionEvent {
  return { seq, at: AT, type: "error", data: { sessionId: "s1", code: "x", message: "y" } };
}

/** A session of the tenant `b`, with something in every table. */
async function sessionOfB(): Promise<SessionStore> {
  await clear();
  const service = supabasePersistence({ url: project.url, key: project.serviceKey });
  open.push(service);
  await service.open?.();
  const record = { sessionId: "s1", type: "t", agentProfileReference: "default", createdAt: AT };
  const first = {
    events: [event(1), event(2), event(3)],
    transcript: [{ key: "main", lines: ["secret"] }],
    blobs: [{ sha256: SHA, offset: 0, total: 1, bytes: Buffer.from("x") }],
    files: { put: [{ path: "a.txt", sha256: SHA, size: 1 }], deleted: [] },
    blocks: [
      {
        conversationId: "main",
        blockId: "b1",
        position: 2,
        block: { type: "assistant_text" as const, id: "b1", timestamp: AT, content: "secret" },
      },
    ],
    messages: [{ messageId: "m1", idempotencyKey: "k1", contentHash: "h" }],
    sandbox: { provider: "local", generation: 1, ref: null, token: "secret", started: true },
    checkpoint: { turnId: "t1" },
  };
  await service.store.create({ ...theirs, record, logId: "L", first });
  return service.store;
}

async function everything(store: SessionStore): Promise<unknown[]> {
  const blob: Uint8Array[] = [];
  for await (const bytes of store.blob(theirs, SHA)) blob.push(bytes);
  const lines = [];
  for await (const entry of store.transcript(theirs)) lines.push(entry);
  return [
    await store.head(theirs),
    await store.events(theirs, { after: 0, limit: 10 }),
    await store.blocks(theirs, { conversationId: "main", limit: 10 }),
    await store.block(theirs, "b1"),
    await store.files(theirs),
    await store.checkpoints(theirs, { limit: 10 }),
    await store.filesAt(theirs, 3),
    blob,
    await store.blobSize(theirs, SHA),
    lines,
    await store.message(theirs, { messageId: "m1" }),
    (await store.list({ tenant: "b", limit: 10 })).sessions,
    await store.claimed(),
  ];
}

const NOTHING = [null, [], { blocks: [], more: false }, null, [], [], [], [], 0, [], null, [], []];

describe("another tenant's session", () => {
  test("cannot be read by any method", async () => {
    const service = await sessionOfB();
    const [a, b] = [await ofTenant("a"), await ofTenant("b")];
    expect(await everything(b.store)).toEqual(await everything(service));
    expect(await everything(a.store)).toEqual(NOTHING);
  });

  test("cannot be written by any method", async () => {
    const service = await sessionOfB();
    const before = await everything(service);
    const { store } = await ofTenant("a");
    const [outcome] = await store.append([{ ...theirs, expectedSeq: 3, events: [event(4)] }]);
    expect(outcome).toMatchObject({ code: "session_not_found" });
    const record = { sessionId: "s2", type: "t", agentProfileReference: "default", createdAt: AT };
    for (const sessionId of ["s1", "s2"]) {
      const creation = store.create({ tenant: "b", sessionId, record, logId: "M", first: { events: [] } });
      await expect(creation).rejects.toMatchObject({ code: "not_supported" });
    }
    await store.compact(theirs, { drop: [{ from: 2, to: 2 }], upTo: 2 });
    await store.delete(theirs);
    expect(await everything(service)).toEqual(before);
    expect(await service.head({ tenant: "b", sessionId: "s2" })).toBeNull();
  });

  test("is not there for a token in any table, whatever becomes of the functions", async () => {
    await sessionOfB();
    const as = (statement: string): string =>
      `begin; set local role authenticated; set local request.jwt.claims = '{"tenant":"a"}'; ${statement}; rollback`;
    for (const table of [...SESSION_TABLES, "removals"] as const) {
      const name = `agent_runtime.${table}`;
      const [all] = await project.database.query<{ n: string }>(`select count(*) as n from ${name}`);
      const rows = Number(all?.n);
      if (!["removals", "commands", "snapshots", "raw_transcripts"].includes(table)) expect(rows).toBeGreaterThan(0);
      const change = `do $$ declare n bigint; begin
        if exists (select from ${name}) then raise 'seen'; end if;
        update ${name} set tenant = 'a'; get diagnostics n = row_count; if n > 0 then raise 'changed'; end if;
        delete from ${name}; get diagnostics n = row_count; if n > 0 then raise 'deleted'; end if;
      end $$`;
      await project.database.query(as(change));
    }
    const insert = as(`insert into agent_runtime.removals (tenant, session_id) values ('b', 's1')`);
    await expect(project.database.query(insert)).rejects.toMatchObject({ code: "42501" });
    for (const table of ["nodes", "answers"]) {
      const read = as(`select * from agent_runtime.${table}`);
      await expect(project.database.query(read)).rejects.toMatchObject({ code: "42501" });
    }
  });
});

describe("who may call the functions", () => {
  test("anybody without a key of the project's server or a tenant: nobody", async () => {
    const rights = await project.database.query<{ name: string; anon: boolean; user: boolean; server: boolean }>(
      `select p.proname as name, has_function_privilege('anon', p.oid, 'execute') as anon,
         has_function_privilege('authenticated', p.oid, 'execute') as "user",
         has_function_privilege('service_role', p.oid, 'execute') as server
       from pg_proc p where p.proname like 'agent\\_runtime\\_%' or p.pronamespace = 'agent_runtime'::regnamespace`,
    );
    expect(rights.length).toBeGreaterThan(35);
    for (const { name, anon, user, server } of rights) {
      expect({ name, anon, server }).toEqual({ name, anon: false, server: true });
      if (name.startsWith("agent_runtime_cluster_")) expect({ name, user }).toEqual({ name, user: false });
    }
    const adapter = supabasePersistence({ url: project.url, key: project.anonKey });
    await expect(adapter.open?.()).rejects.toMatchObject({ code: "invalid_configuration", field: "key" });
    const client = clientWith(project.token({ tenant: "a" }));
    const answer = await client.rpc("agent_runtime_cluster_leases", { p_node: "n" });
    expect(answer.error).toMatchObject({ code: "42501" });
    expect((await client.schema("agent_runtime").from("sessions").select()).error).toMatchObject({ code: "PGRST106" });
  });

  test("every function of the project is one that runs with its caller's rights, with a path of its own", async () => {
    const others = await project.database.query(
      `select p.proname from pg_proc p
       where (p.proname like 'agent\\_runtime\\_%' or p.pronamespace = 'agent_runtime'::regnamespace)
         and (p.prosecdef or not coalesce(p.proconfig, '{}') @> array['search_path=""'])`,
    );
    expect(others).toEqual([]);
  });

  test("the tenant is a claim of the token, or of what users cannot change themselves", async () => {
    await sessionOfB();
    const { store } = await opened(project.token({ app_metadata: { tenant: "b" } }));
    expect((await store.head(theirs))?.lastSeq).toBe(3);
    const nobody = opened(project.token({ user_metadata: { tenant: "b" } }));
    await expect(nobody).rejects.toMatchObject({ code: "invalid_configuration", field: "key" });
  });

  test("cluster: a tenant's token is for one server alone, and the others are told so", async () => {
    const client = clientWith(project.token({ tenant: "a" }));
    const adapter = supabasePersistence({ client });
    const refused = await Promise.resolve(adapter.open?.()).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(RuntimeError);
    expect(refused).toMatchObject({ code: "invalid_configuration", field: "cluster" });
    expect(supabasePersistence({ client, cluster: false }).store.cluster).toBeUndefined();
    expect(adapter.store.cluster).toBeDefined();
  });
});
