-- What must be written as a whole. Texts that people choose come as JSON texts, bytes as base64, times as milliseconds.

-- Everything of a batch but the log's own row.
create function agent_runtime.write_parts(batch jsonb) returns void
language plpgsql security invoker set search_path = '' as $$
declare
  v_tenant constant text := batch ->> 'tenant';
  v_session constant text := batch ->> 'session_id';
  v_version constant integer := (batch ->> 'version')::integer;
  v_files_seq constant bigint := (batch ->> 'files_seq')::bigint;
  v_record constant jsonb := batch -> 'record';
  v_last bigint;
begin
  if batch ? 'events' then
    insert into agent_runtime.events (tenant, session_id, seq, version, at, type, data)
    select v_tenant, v_session, e.seq, v_version, e.at, e.type, e.data
    from jsonb_to_recordset(batch -> 'events') as e (seq bigint, at text, type text, data text);
  end if;
  if batch ? 'transcript' then
    select t.n into v_last from agent_runtime.transcripts t
    where t.tenant = v_tenant and t.session_id = v_session order by t.n desc limit 1;
    insert into agent_runtime.transcripts (tenant, session_id, n, entry)
    select v_tenant, v_session, coalesce(v_last, 0) + t.place, t.entry
    from jsonb_array_elements_text(batch -> 'transcript') with ordinality as t (entry, place);
  end if;
  if batch ? 'gone_files' then
    delete from agent_runtime.files f using jsonb_array_elements_text(batch -> 'gone_files') as g (path_key)
    where f.tenant = v_tenant and f.session_id = v_session and f.path_key = g.path_key;
    -- One that is put as well is there: its version follows.
    insert into agent_runtime.file_versions (tenant, session_id, path_key, seq, entry)
    select distinct v_tenant, v_session, g.path_key, v_files_seq, null
    from jsonb_array_elements_text(batch -> 'gone_files') as g (path_key)
    on conflict (tenant, session_id, path_key, seq) do update set entry = excluded.entry;
  end if;
  if batch ? 'gone_blobs' then
    delete from agent_runtime.blobs b using jsonb_array_elements_text(batch -> 'gone_blobs') as g (sha256)
    where b.tenant = v_tenant and b.session_id = v_session and b.sha256 = g.sha256;
  end if;
  if batch ? 'blobs' then
    insert into agent_runtime.blobs (tenant, session_id, sha256, start, length, total, bytes)
    select v_tenant, v_session, b.sha256, b.start, b.length, b.total, decode(b.bytes, 'base64')
    from jsonb_to_recordset(batch -> 'blobs') as b (sha256 text, start bigint, length bigint, total bigint, bytes text)
    on conflict (tenant, session_id, sha256, start) do nothing;
  end if;
  if batch ? 'files' then
    insert into agent_runtime.files (tenant, session_id, path_key, entry)
    select v_tenant, v_session, f.path_key, f.entry
    from jsonb_to_recordset(batch -> 'files') as f (path_key text, entry text)
    on conflict (tenant, session_id, path_key) do update set entry = excluded.entry;
    insert into agent_runtime.file_versions (tenant, session_id, path_key, seq, entry)
    select v_tenant, v_session, f.path_key, v_files_seq, f.entry
    from jsonb_to_recordset(batch -> 'files') as f (path_key text, entry text)
    on conflict (tenant, session_id, path_key, seq) do update set entry = excluded.entry;
  end if;
  if batch ? 'checkpoint' then
    insert into agent_runtime.checkpoints (tenant, session_id, seq, turn_id)
    values (v_tenant, v_session, (batch ->> 'last_seq')::bigint, batch ->> 'checkpoint');
  end if;
  if batch ? 'blocks' then
    -- A known block keeps its conversation and its position.
    insert into agent_runtime.blocks (tenant, session_id, block_id, conversation_id, position, block)
    select v_tenant, v_session, b.block_id, b.conversation_id, b.position, b.block
    from jsonb_to_recordset(batch -> 'blocks') as b (block_id text, conversation_id text, position bigint, block text)
    on conflict (tenant, session_id, block_id) do update set block = excluded.block;
  end if;
  if batch ? 'messages' then
    insert into agent_runtime.messages (tenant, session_id, message_id, idempotency_key, content_hash, position)
    select v_tenant, v_session, m.message_id, m.idempotency_key, m.content_hash, m.position
    from jsonb_to_recordset(batch -> 'messages')
      as m (message_id text, idempotency_key text, content_hash text, position bigint);
  end if;
  if batch ? 'snapshot' then
    insert into agent_runtime.snapshots (tenant, session_id, version, state)
    values (v_tenant, v_session, v_version, batch ->> 'snapshot')
    on conflict (tenant, session_id) do update set version = excluded.version, state = excluded.state;
  end if;
  if batch ? 'sandbox' then
    if batch ->> 'sandbox' is null then
      delete from agent_runtime.sandboxes s where s.tenant = v_tenant and s.session_id = v_session;
    else
      insert into agent_runtime.sandboxes (tenant, session_id, sandbox)
      values (v_tenant, v_session, batch ->> 'sandbox')
      on conflict (tenant, session_id) do update set sandbox = excluded.sandbox;
    end if;
  end if;
  if v_record is not null then
    update agent_runtime.sessions s set
      name = coalesce(v_record ->> 'name', s.name),
      last_activity = coalesce(v_record ->> 'last_activity', s.last_activity),
      sort_at = coalesce((v_record ->> 'sort_at')::bigint, s.sort_at),
      session_options = coalesce(v_record ->> 'session_options', s.session_options),
      metadata = coalesce(v_record ->> 'metadata', s.metadata),
      runtime = coalesce(v_record ->> 'runtime', s.runtime),
      loaded = coalesce((v_record ->> 'loaded')::integer, s.loaded)
    where s.tenant = v_tenant and s.session_id = v_session;
  end if;
end $$;

-- One batch. null: it is written; else why it is refused, and then nothing is.
create function agent_runtime.write_batch(batch jsonb) returns jsonb
language plpgsql security invoker set search_path = '' as $$
declare
  v_tenant constant text := batch ->> 'tenant';
  v_session constant text := batch ->> 'session_id';
  v_generation constant bigint := (batch ->> 'cursor_generation')::bigint;
  v_n constant bigint := (batch ->> 'cursor_n')::bigint;
  v_log record;
  v_known text;
begin
  select l.last_seq, l.fence, l.cursor_generation, l.cursor_n into v_log from agent_runtime.logs l
  where l.tenant = v_tenant and l.session_id = v_session for update;
  if not found then
    return jsonb_build_object('refused', 'no_session');
  end if;
  if v_log.fence <> (batch ->> 'fence')::bigint then
    return jsonb_build_object('refused', 'stale_fence', 'fence', v_log.fence);
  end if;
  if v_log.last_seq <> (batch ->> 'expected_seq')::bigint then
    return jsonb_build_object('refused', 'wrong_seq', 'last_seq', v_log.last_seq);
  end if;
  if batch ? 'messages' then
    select m.message_id into v_known
    from jsonb_to_recordset(batch -> 'messages') as m (message_id text, idempotency_key text)
    where exists (
      select from agent_runtime.messages k
      where k.tenant = v_tenant and k.session_id = v_session
        and (k.message_id = m.message_id or k.idempotency_key = m.idempotency_key)
    ) limit 1;
    if found then
      return jsonb_build_object('refused', 'known_message', 'message_id', v_known);
    end if;
  end if;
  if v_n is not null and v_log.cursor_n is not null
    and (v_generation, v_n) <= (v_log.cursor_generation, v_log.cursor_n) then
    return jsonb_build_object('refused', 'taken_before');
  end if;
  update agent_runtime.logs l set
    last_seq = (batch ->> 'last_seq')::bigint,
    cursor_generation = coalesce(v_generation, l.cursor_generation),
    cursor_n = coalesce(v_n, l.cursor_n),
    native_session_id = coalesce(batch ->> 'native_session_id', l.native_session_id),
    generation = greatest(l.generation, (batch ->> 'generation')::bigint)
  where l.tenant = v_tenant and l.session_id = v_session;
  perform agent_runtime.write_parts(batch);
  return null;
end $$;

-- The outcomes of the batches in order: one that fails leaves no trace, and takes no other with it.
create function public.agent_runtime_append(p_batches jsonb) returns jsonb
language plpgsql security invoker set search_path = '' as $$
declare
  v_batch jsonb;
  v_outcome jsonb;
  v_outcomes jsonb := '[]';
begin
  for v_batch in select b.value from jsonb_array_elements(p_batches) with ordinality as b order by b.ordinality loop
    begin
      v_outcome := agent_runtime.write_batch(v_batch);
    exception
      -- Somebody stood in the way: the whole call is taken back, and comes again.
      when deadlock_detected or serialization_failure then
        raise;
      when others then
        v_outcome := jsonb_build_object('refused', 'failed', 'code', sqlstate, 'message', sqlerrm);
    end;
    v_outcomes := v_outcomes || jsonb_build_array(v_outcome);
  end loop;
  return v_outcomes;
end $$;

-- A new session with its first batch. null: it is there; else why not.
create function public.agent_runtime_create(p_record jsonb, p_log_id text, p_first jsonb) returns jsonb
language plpgsql security invoker set search_path = '' as $$
declare
  v_tenant constant text := p_first ->> 'tenant';
  v_session constant text := p_first ->> 'session_id';
begin
  begin
    insert into agent_runtime.sessions (
      tenant, session_id, type, profile, name, created_at, created_ms, last_activity, sort_at, session_options,
      metadata, runtime, loaded
    ) values (
      v_tenant, v_session, p_record ->> 'type', p_record ->> 'profile', p_record ->> 'name',
      p_record ->> 'created_at', (p_record ->> 'created_ms')::bigint, p_record ->> 'last_activity',
      (p_record ->> 'sort_at')::bigint, p_record ->> 'session_options', p_record ->> 'metadata',
      p_record ->> 'runtime', (p_record ->> 'loaded')::integer
    );
  exception
    when unique_violation then
      return jsonb_build_object('refused', 'exists');
    when insufficient_privilege then
      return jsonb_build_object('refused', 'other_tenant', 'message', sqlerrm);
  end;
  -- Read after the insert, which waits for a removal that is just beginning.
  if exists (select from agent_runtime.removals r where r.tenant = v_tenant and r.session_id = v_session) then
    delete from agent_runtime.sessions s where s.tenant = v_tenant and s.session_id = v_session;
    return jsonb_build_object('refused', 'exists');
  end if;
  insert into agent_runtime.logs (
    tenant, session_id, log_id, last_seq, cursor_generation, cursor_n, native_session_id, generation
  ) values (
    v_tenant, v_session, p_log_id, (p_first ->> 'last_seq')::bigint, (p_first ->> 'cursor_generation')::bigint,
    (p_first ->> 'cursor_n')::bigint, p_first ->> 'native_session_id', (p_first ->> 'generation')::bigint
  );
  perform agent_runtime.write_parts(p_first);
  return null;
end $$;

-- Drops ranges of events; the event after a gap says from where on it stands for what is missing.
create function public.agent_runtime_compact(p_tenant text, p_session text, p_drop jsonb, p_up_to bigint) returns jsonb
language plpgsql security invoker set search_path = '' as $$
declare
  v_last bigint;
  v_first_dropped bigint;
  v_last_dropped bigint;
  v_before bigint;
  v_after bigint;
begin
  select l.last_seq into v_last from agent_runtime.logs l
  where l.tenant = p_tenant and l.session_id = p_session for update;
  if not found then
    return null;
  end if;
  select min(d.first), max(d.last) into v_first_dropped, v_last_dropped
  from jsonb_to_recordset(p_drop) as d (first bigint, last bigint);
  if v_last_dropped >= v_last then
    return jsonb_build_object('refused', 'tail', 'last', v_last_dropped);
  end if;
  if v_last_dropped is not null then
    delete from agent_runtime.events e using jsonb_to_recordset(p_drop) as d (first bigint, last bigint)
    where e.tenant = p_tenant and e.session_id = p_session and e.seq between d.first and d.last;
    select max(e.seq) into v_before from agent_runtime.events e
    where e.tenant = p_tenant and e.session_id = p_session and e.seq < v_first_dropped;
    select min(e.seq) into v_after from agent_runtime.events e
    where e.tenant = p_tenant and e.session_id = p_session and e.seq > v_last_dropped;
    update agent_runtime.events e set from_seq = kept.previous + 1
    from (
      select k.seq, lag(k.seq, 1, coalesce(v_before, 0)) over (order by k.seq) as previous
      from agent_runtime.events k
      where k.tenant = p_tenant and k.session_id = p_session and k.seq > coalesce(v_before, 0) and k.seq <= v_after
    ) kept
    where e.tenant = p_tenant and e.session_id = p_session and e.seq = kept.seq and kept.seq > kept.previous + 1;
  end if;
  update agent_runtime.logs l set compacted_to = p_up_to
  where l.tenant = p_tenant and l.session_id = p_session and l.compacted_to < p_up_to;
  return null;
end $$;

-- From here on the session is not there. What may be much of it goes in pieces.
create function public.agent_runtime_delete(p_tenant text, p_session text) returns void
language plpgsql security invoker set search_path = '' as $$
begin
  -- The log first, as appends do it: so none is in the middle of one.
  delete from agent_runtime.logs l where l.tenant = p_tenant and l.session_id = p_session;
  if not found then
    return;
  end if;
  delete from agent_runtime.sessions s where s.tenant = p_tenant and s.session_id = p_session;
  delete from agent_runtime.snapshots s where s.tenant = p_tenant and s.session_id = p_session;
  delete from agent_runtime.sandboxes s where s.tenant = p_tenant and s.session_id = p_session;
  delete from agent_runtime.checkpoints c where c.tenant = p_tenant and c.session_id = p_session;
  delete from agent_runtime.commands c where c.tenant = p_tenant and c.session_id = p_session;
  delete from agent_runtime.raw_transcripts r where r.tenant = p_tenant and r.session_id = p_session;
  insert into agent_runtime.removals (tenant, session_id) values (p_tenant, p_session) on conflict do nothing;
end $$;

-- Removes some rows of a session that is being deleted, and answers whether there may be more.
create function public.agent_runtime_delete_piece(p_tenant text, p_session text) returns boolean
language plpgsql security invoker set search_path = '' as $$
declare
  v_table text;
  v_removed bigint;
begin
  if not exists (select from agent_runtime.removals r where r.tenant = p_tenant and r.session_id = p_session) then
    return false;
  end if;
  foreach v_table in array array['events', 'transcripts', 'blocks', 'messages', 'files', 'file_versions', 'blobs'] loop
    execute format(
      'delete from agent_runtime.%1$I where ctid = any (array(
         select ctid from agent_runtime.%1$I where tenant = $1 and session_id = $2 limit $3))',
      v_table
    ) using p_tenant, p_session, case v_table when 'blobs' then 64 when 'transcripts' then 500 else 5000 end;
    get diagnostics v_removed = row_count;
    if v_removed > 0 then
      return true;
    end if;
  end loop;
  delete from agent_runtime.removals r where r.tenant = p_tenant and r.session_id = p_session;
  return false;
end $$;

-- The one text of a session that was saved as a whole. False: there is no such session.
create function public.agent_runtime_save_transcript(p_tenant text, p_session text, p_text text) returns boolean
language plpgsql security invoker set search_path = '' as $$
declare
  v_last bigint;
begin
  select l.last_seq into v_last from agent_runtime.logs l
  where l.tenant = p_tenant and l.session_id = p_session for update;
  if not found then
    return false;
  end if;
  insert into agent_runtime.raw_transcripts (tenant, session_id, seq, text) values (p_tenant, p_session, v_last, p_text)
  on conflict (tenant, session_id) do update set seq = excluded.seq, text = excluded.text;
  return true;
end $$;
