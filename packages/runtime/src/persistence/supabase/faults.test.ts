import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { RuntimeError, type SessionEvent } from "@hhopkins/agent-runtime-protocol";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { PersistenceAdapter } from "../port.ts";
import type { SessionStore } from "../session-store.ts";
import { loadCreateClient } from "./client.ts";
import { supabasePersistence, type SupabasePersistenceOptions } from "./index.ts";
import { jwt, migrateProject, startProject, type ProjectOptions, type TestProject } from "./testing/project.ts";
import { failure } from "../testing/store-faults.ts";

const AT = "2026-11-22T08:00:00.000Z";
let project: TestProject;
let count = 0;

beforeAll(async () => {
  project = await startProject({ pool: 2 });
});
afterEach(() => {
  project.front.fault = () => "pass";
});
afterAll(async () => project.stop());

async function projectWith(options: ProjectOptions): Promise<TestProject> {
  const other = await startProject(options);
  onTestFinished(async () => other.stop());
  return other;
}

type Options = Partial<Extract<SupabasePersistenceOptions, { url: string }>>;

function adapterWith(options: Options = {}, at = project): PersistenceAdapter & { store: SessionStore } {
  const adapter = supabasePersistence({ url: at.url, key: at.serviceKey, ...options });
  onTestFinished(async () => adapter.close?.());
  return adapter;
}

const openFailure = (options: Options, at = project) => failure(adapterWith(options, at).open?.());

const event = (sessionId: string, seq: number): SessionEvent => {
  return { seq, at: AT, type: "error", data: { sessionId, code: "x", message: `event ${seq}` } };
};

/** An open store with a session of one event. */
async function withSession(options: Options = {}) {
  const { store, open } = adapterWith(options);
  await open?.();
  const key = { tenant: "default", sessionId: `s${(count += 1)}` };
  const record = { sessionId: key.sessionId, type: "t", agentProfileReference: "default", createdAt: AT };
  await store.create({ ...key, record, logId: "L", first: { events: [event(key.sessionId, 1)] } });
  return { store, key, batch: { ...key, expectedSeq: 1, events: [event(key.sessionId, 2)] } };
}

describe("opening", () => {
  test("options that cannot be are refused by name", () => {
    const given = (options: object) => () => supabasePersistence(options as SupabasePersistenceOptions);
    const fields: Record<string, object> = {
      url: { url: "abc.supabase.co", key: "k" },
      key: { url: "https://abc.supabase.co", key: "" },
      schema: { url: "https://abc.supabase.co", key: "k", schema: "" },
      callTimeoutMs: { url: "https://abc.supabase.co", key: "k", callTimeoutMs: 0 },
    };
    for (const [field, options] of Object.entries(fields)) {
      expect(given(options)).toThrow(expect.objectContaining({ code: "invalid_configuration", field }));
      expect(given(options)).toThrow(new RegExp(`^${field}: `));
    }
    expect(given({})).toThrow("url: ");
    const profiles = [{ id: "mine", name: "" }];
    expect(given({ url: "https://abc.supabase.co", key: "k", profiles })).toThrow("profiles.0.name");
  });

  test("without the package it says how to get it", async () => {
    const none = () => loadCreateClient(() => Promise.reject(new Error("Cannot find package")));
    const adapter = supabasePersistence({ url: "http://127.0.0.1:9", key: "k" }, none);
    const error = await failure(adapter.open?.());
    expect(error.code).toBe("missing_dependency");
    expect(error.message).toContain("npm install @supabase/supabase-js@2.119.1");
  });

  test("a wrong address: nobody there, or somebody else", async () => {
    const nobody = await openFailure({ url: "http://127.0.0.1:9" });
    expect(nobody.code).toBe("persistence_unavailable");
    expect(nobody.message).toContain("http://127.0.0.1:9: nobody answers there");
    const server = createServer((_from, to) => to.writeHead(404, { "content-type": "text/html" }).end("<h1>no</h1>"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const other = await openFailure({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
    expect(other).toMatchObject({ code: "invalid_configuration", field: "url" });
    expect(other.message).toContain("there is no Supabase project there");
  });

  test("a wrong key, and a token that is over", async () => {
    const wrong = await openFailure({
      key: jwt({ role: "service_role" }, "another secret, which is as long as that one"),
    });
    expect(wrong).toMatchObject({ code: "invalid_configuration", field: "key" });
    expect(wrong.message).toContain("secret (service) key");
    const over = await openFailure({ key: project.token({ role: "service_role", exp: 1_000_000_000 }) });
    expect(over).toMatchObject({ code: "invalid_configuration", field: "key" });
    expect(over.message).toContain("JWT expired");
    const noKey = await openFailure({ key: "no key" });
    expect(noKey).toMatchObject({ code: "invalid_configuration", field: "key" });
  });

  test("without our migrations it names the commands", async () => {
    const error = await openFailure({}, await projectWith({ empty: true }));
    expect(error.code).toBe("data_dir_unusable");
    expect(error.message).toContain("npx agent-runtime supabase-migrations supabase/migrations");
  });

  test("tables of a newer version, and of an older one", async () => {
    const other = await projectWith({});
    const { query } = other.database;
    await query("insert into agent_runtime.agent_runtime_migrations values ('999-future', '')");
    const newer = await openFailure({}, other);
    expect(newer.code).toBe("data_dir_unusable");
    expect(newer.message).toMatch(/newer version of Agent Runtime \(it has 999-future\)/);
    await query("delete from agent_runtime.agent_runtime_migrations where name in ('999-future', '006-lists')");
    const older = await openFailure({}, other);
    expect(older.code).toBe("data_dir_unusable");
    expect(older.message).toContain("older version");
  });

  test("schema: the functions may be in another one, which must be exposed", async () => {
    const other = await projectWith({ schema: "api" });
    const adapter = adapterWith({ schema: "api" }, other);
    await adapter.open?.();
    await adapter.createSessionRecord({ sessionId: "s", type: "t", agentProfileReference: "default", createdAt: AT });
    expect(await adapter.listAllSessions()).toHaveLength(1);
    expect((await openFailure({}, other)).message).toContain("npx agent-runtime supabase-migrations");
    const hidden = await openFailure({ schema: "agent_runtime" }, other);
    expect(hidden).toMatchObject({ code: "invalid_configuration", field: "schema" });
  });

  test("a second application of the migrations fails, and changes nothing", async () => {
    const { store, key } = await withSession();
    await expect(migrateProject(project.database)).rejects.toThrow("already exists");
    expect((await store.head(key))?.lastSeq).toBe(1);
  });
});

describe("while it runs", () => {
  test("an answer that is lost: the batch is there, and the same again is refused", async () => {
    const { store, key, batch } = await withSession();
    project.front.fault = (name) => (name === "append" ? "lose the answer" : "pass");
    const [lost] = await store.append([batch]);
    expect(lost).toMatchObject({ code: "persistence_unavailable" });
    project.front.fault = () => "pass";
    expect((await store.head(key))?.lastSeq).toBe(2);
    expect(await store.append([batch])).toEqual([expect.objectContaining({ code: "sequence_conflict" })]);
  });

  test("a call that is lost: nothing of the batch is there, and the same again is written", async () => {
    const { store, key, batch } = await withSession();
    project.front.fault = (name) => (name === "append" ? "lose the call" : "pass");
    const before = project.front.calls.get("append") ?? 0;
    expect(await store.append([batch])).toEqual([expect.objectContaining({ code: "persistence_unavailable" })]);
    expect(project.front.calls.get("append")).toBe(before + 1);
    project.front.fault = () => "pass";
    expect((await store.head(key))?.lastSeq).toBe(1);
    expect(await store.append([batch])).toEqual([null]);
  });

  test("callTimeoutMs: a call that gets no answer is given up", async () => {
    const { store, key } = await withSession({ callTimeoutMs: 1_000 });
    project.front.fault = () => "hang";
    const error = await failure(store.head(key));
    expect(error.code).toBe("persistence_unavailable");
  });

  test("a read-only database: reads go on, writes say why", async () => {
    const other = await projectWith({});
    const adapter = adapterWith({}, other);
    await adapter.open?.();
    const record = { sessionId: "s", type: "t", agentProfileReference: "default", createdAt: AT };
    await adapter.createSessionRecord(record);
    const { query } = other.database;
    const [row] = await query<{ name: string }>("select current_database() as name");
    await query(`create function public.read_only() returns void language plpgsql as
      $$ begin set local transaction_read_only = on; end $$`);
    await query(`alter role authenticator in database ${row?.name} set pgrst.db_pre_request = 'public.read_only'`);
    await query("notify pgrst, 'reload config'");
    let error: unknown;
    await expect
      .poll(
        async () => (error = await adapter.updateSessionRecord("s", { name: "n" }).catch((reason: unknown) => reason)),
      )
      .toBeInstanceOf(RuntimeError);
    expect(error).toMatchObject({ code: "persistence_unavailable", message: expect.stringContaining("read-only") });
    expect(await adapter.loadSession("s")).toMatchObject({ sessionId: "s" });
  });

  test("no free connection: it says so, and goes on when there is one", async () => {
    const { store, key, batch } = await withSession();
    const holder = new Client({ connectionString: project.database.url });
    await holder.connect();
    onTestFinished(async () => holder.end());
    await holder.query("begin");
    await holder.query("select from agent_runtime.logs where session_id = $1 for update", [key.sessionId]);
    // Two, of two that there are, wait for the row.
    const waiting = [store.append([batch]), store.append([batch])];
    const error = await failure(
      (async () => {
        for (;;) await store.head(key);
      })(),
    );
    expect(error.code).toBe("persistence_unavailable");
    expect(error.message).toContain("no free connection");
    await holder.query("commit");
    const outcomes = (await Promise.all(waiting)).flat();
    expect(outcomes.filter((outcome) => outcome === null)).toHaveLength(1);
    expect(outcomes).toContainEqual(expect.objectContaining({ code: "sequence_conflict" }));
  });

  test("what cannot go with others goes alone, and takes none with it", async () => {
    const [one, two] = [await withSession(), await withSession()];
    let calls = 0;
    project.front.fault = (name) => (name === "append" && (calls += 1) === 1 ? { status: 413, body: "{}" } : "pass");
    expect(await one.store.append([one.batch, two.batch])).toEqual([null, null]);
    expect(calls).toBe(3);
    project.front.fault = () => "pass";
    const next = (each: typeof one) => ({ ...each.key, expectedSeq: 2, events: [event(each.key.sessionId, 3)] });
    const damaged = { ...next(two), nativeSessionId: "NUL \u0000" };
    const outcomes = await one.store.append([next(one), damaged]);
    expect(outcomes).toEqual([null, expect.objectContaining({ code: "persistence_unavailable" })]);
  });

  test("more than one call can carry goes in several, in order", async () => {
    const { store, key } = await withSession();
    const before = project.front.calls.get("append") ?? 0;
    const bytes = Buffer.alloc(1_500_000, 7);
    const batches = [1, 2, 3, 4].map((seq) => ({
      ...key,
      expectedSeq: seq,
      events: [event(key.sessionId, seq + 1)],
      blobs: [{ sha256: String(seq).repeat(64), offset: 0, total: bytes.byteLength, bytes }],
    }));
    expect(await store.append(batches)).toEqual([null, null, null, null]);
    expect((project.front.calls.get("append") ?? 0) - before).toBe(4);
    expect(await store.blobSize(key, "3".repeat(64))).toBe(bytes.byteLength);
  });

  test("two that stand in each other's way: what the database takes back comes again; what it refuses does not", async () => {
    const [one, two] = [await withSession(), await withSession()];
    const { query } = project.database;
    await query(`create sequence public.tries; grant usage on sequence public.tries to public;
      create function public.refuse() returns trigger language plpgsql as $$ begin
        if new.data like '%deadlock%' and nextval('public.tries') <= 2 then raise sqlstate '40P01'; end if;
        if new.data like '%refused%' then raise sqlstate '23514' using message = 'not this one'; end if;
        return new;
      end $$;
      create trigger refuse before insert on agent_runtime.events for each row execute function public.refuse()`);
    onTestFinished(async () => {
      await query(
        "drop trigger refuse on agent_runtime.events; drop function public.refuse(); drop sequence public.tries",
      );
    });
    const before = project.front.calls.get("append") ?? 0;
    const said = ({ batch }: typeof one, message: string) => {
      const [first] = batch.events;
      return {
        ...batch,
        events: [{ ...first, data: { sessionId: batch.sessionId, code: "x", message } } as SessionEvent],
      };
    };
    expect(await one.store.append([one.batch, said(two, "deadlock")])).toEqual([null, null]);
    expect((project.front.calls.get("append") ?? 0) - before).toBe(3);
    const third = await withSession();
    const fourth = await withSession();
    const outcomes = await one.store.append([said(third, "refused"), fourth.batch]);
    expect(outcomes).toEqual([expect.objectContaining({ code: "persistence_unavailable" }), null]);
    expect(String(outcomes[0])).toContain("not this one");
    expect((await one.store.head(third.key))?.lastSeq).toBe(1);
  });

  test("a deletion that a crash cut off is over for users, and is finished when the store is opened again", async () => {
    const { store, key } = await withSession();
    project.front.fault = (name) => (name === "delete_piece" ? "lose the call" : "pass");
    expect((await failure(store.delete(key))).code).toBe("persistence_unavailable");
    project.front.fault = () => "pass";
    expect(await store.head(key)).toBeNull();
    const rows = "select seq from agent_runtime.events where session_id = $1";
    expect(await project.database.query(rows, [key.sessionId])).toHaveLength(1);
    await adapterWith().open?.();
    expect(await project.database.query(rows, [key.sessionId])).toHaveLength(0);
    expect(await project.database.query("select from agent_runtime.removals")).toHaveLength(0);
  });
});
