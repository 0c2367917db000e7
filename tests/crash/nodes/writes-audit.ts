import type { TestDatabase } from "../../testing/test-database.ts";

/** A write to a log, as the database saw it. */
interface Write {
  readonly session_id: string;
  readonly last_seq: string | number;
  readonly fence: string | number;
  readonly node_id: string | null;
  /** Which process's connection it came by: that process's own name, whatever it believes itself to be. */
  readonly writer: string;
}

/** Has the database itself write down who appends to which log under which fence: our own word does not count. */
export async function auditWrites(database: TestDatabase): Promise<void> {
  const columns = "session_id varchar(200), last_seq bigint, fence bigint, node_id varchar(200), writer varchar(200)";
  if (database.kind === "mysql") {
    await database.query(`create table audit (id bigint auto_increment primary key, ${columns});
      create trigger audit after update on logs for each row begin
        if new.last_seq <> old.last_seq then
          insert into audit (session_id, last_seq, fence, node_id, writer)
          values (new.session_id, new.last_seq, new.fence, new.node_id, substring_index(user(), '@', 1));
        end if;
      end`);
    return;
  }
  await database.query(`create table audit (id bigserial primary key, ${columns});
    create function audit() returns trigger language plpgsql as $$ begin
      insert into audit (session_id, last_seq, fence, node_id, writer) values
        (new.session_id, new.last_seq, new.fence, new.node_id, current_setting('application_name'));
      return null;
    end $$;
    create trigger audit after update on logs for each row
      when (new.last_seq is distinct from old.last_seq) execute function audit()`);
}

/** Each fence of a session has one writer, and fences only grow along its log. Answers with what is not so, in words. */
export async function ownedTwice(database: TestDatabase): Promise<{ writes: number; faults: string[] }> {
  const writes = await database.query<Write>(
    "select session_id, last_seq, fence, node_id, writer from audit order by session_id, last_seq, id",
  );
  const faults: string[] = [];
  const owners = new Map<string, string>();
  let before: Write | undefined;
  for (const write of writes) {
    const { session_id: session, fence, last_seq: seq } = write;
    const owner = `${write.writer} ${write.node_id}`;
    const known = owners.get(`${session} ${fence}`);
    if (known !== undefined && known !== owner) faults.push(`${session}: fence ${fence} of ${known}, and of ${owner}`);
    owners.set(`${session} ${fence}`, owner);
    if (before?.session_id === session) {
      if (Number(fence) < Number(before.fence))
        faults.push(`${session}: seq ${seq} under fence ${fence} after ${before.fence}`);
      if (Number(seq) <= Number(before.last_seq)) faults.push(`${session}: seq ${seq} written twice`);
    }
    before = write;
  }
  return { writes: writes.length, faults };
}
