-- What can be read. Each answer is one JSON value, so no limit of rows applies to it; what may be long is read in pages.

-- A session that is being removed has rows for a while, which are nobody's any more.
create function agent_runtime.is_there(p_tenant text, p_session text) returns boolean
language sql stable security invoker set search_path = '' as $$
  select exists (select from agent_runtime.logs l where l.tenant = p_tenant and l.session_id = p_session)
$$;

create function public.agent_runtime_head(p_tenant text, p_session text) returns json
language sql stable security invoker set search_path = '' as $$
  select to_json(h)
  from (
    select s.*, l.log_id, l.last_seq, l.compacted_to, l.cursor_generation, l.cursor_n, l.native_session_id, l.generation,
      n.version, n.state, b.sandbox
    from agent_runtime.sessions s
    join agent_runtime.logs l on l.tenant = s.tenant and l.session_id = s.session_id
    left join agent_runtime.snapshots n on n.tenant = s.tenant and n.session_id = s.session_id
    left join agent_runtime.sandboxes b on b.tenant = s.tenant and b.session_id = s.session_id
    where s.tenant = p_tenant and s.session_id = p_session
  ) h
$$;

create function public.agent_runtime_events(p_tenant text, p_session text, p_after bigint, p_limit bigint) returns json
language sql stable security invoker set search_path = '' as $$
  select coalesce(json_agg(page order by page.seq), '[]')
  from (
    select e.session_id, e.seq, e.from_seq, e.at, e.type, e.data from agent_runtime.events e
    where e.tenant = p_tenant and e.session_id = p_session
      and agent_runtime.is_there(p_tenant, p_session) and e.seq > p_after order by e.seq limit p_limit
  ) page
$$;

create function public.agent_runtime_block(p_tenant text, p_session text, p_block text) returns json
language sql stable security invoker set search_path = '' as $$
  select json_build_object('block', b.block, 'position', b.position, 'conversation_id', b.conversation_id)
  from agent_runtime.blocks b
  where b.tenant = p_tenant and b.session_id = p_session and b.block_id = p_block
    and agent_runtime.is_there(p_tenant, p_session)
$$;

-- The newest first. null: there is no block `p_before`, though there is the session.
create function public.agent_runtime_blocks(
  p_tenant text, p_session text, p_conversation text, p_before text, p_limit bigint
) returns json
language plpgsql stable security invoker set search_path = '' as $$
declare
  v_end bigint := 9223372036854775807;
begin
  if not agent_runtime.is_there(p_tenant, p_session) then
    return '[]';
  end if;
  if p_before is not null then
    select b.position into v_end from agent_runtime.blocks b
    where b.tenant = p_tenant and b.session_id = p_session and b.block_id = p_before;
    if not found then
      return null;
    end if;
  end if;
  return (
    select coalesce(json_agg(page.block order by page.position desc), '[]')
    from (
      select b.position, b.block from agent_runtime.blocks b
      where b.tenant = p_tenant and b.session_id = p_session and b.conversation_id = p_conversation
        and b.position < v_end and b.block is not null
      order by b.position desc limit p_limit
    ) page
  );
end $$;

-- Files after a key, in the keys' order.
create function public.agent_runtime_files(p_tenant text, p_session text, p_after text, p_limit bigint) returns json
language sql stable security invoker set search_path = '' as $$
  select coalesce(json_agg(page order by page.path_key), '[]')
  from (
    select f.path_key, f.entry from agent_runtime.files f
    where f.tenant = p_tenant and f.session_id = p_session
      and agent_runtime.is_there(p_tenant, p_session) and f.path_key > p_after
    order by f.path_key limit p_limit
  ) page
$$;

-- The same as of a number of the log; an entry that is null was deleted by then.
create function public.agent_runtime_files_at(
  p_tenant text, p_session text, p_seq bigint, p_after text, p_limit bigint
) returns json
language sql stable security invoker set search_path = '' as $$
  select coalesce(json_agg(page order by page.path_key), '[]')
  from (
    select distinct on (v.path_key) v.path_key, v.entry from agent_runtime.file_versions v
    where v.tenant = p_tenant and v.session_id = p_session
      and agent_runtime.is_there(p_tenant, p_session) and v.path_key > p_after and v.seq <= p_seq
    order by v.path_key, v.seq desc limit p_limit
  ) page
$$;

create function public.agent_runtime_checkpoints(p_tenant text, p_session text, p_before bigint, p_limit bigint)
returns json
language sql stable security invoker set search_path = '' as $$
  select coalesce(json_agg(page order by page.seq desc), '[]')
  from (
    select c.seq, c.turn_id from agent_runtime.checkpoints c
    where c.tenant = p_tenant and c.session_id = p_session and c.seq < p_before order by c.seq desc limit p_limit
  ) page
$$;

create function public.agent_runtime_blob_pieces(p_tenant text, p_session text, p_sha256 text) returns json
language sql stable security invoker set search_path = '' as $$
  select coalesce(json_agg(json_build_object('start', b.start, 'length', b.length, 'total', b.total) order by b.start), '[]')
  from agent_runtime.blobs b
  where b.tenant = p_tenant and b.session_id = p_session and b.sha256 = p_sha256
    and agent_runtime.is_there(p_tenant, p_session)
$$;

create function public.agent_runtime_blob_piece(p_tenant text, p_session text, p_sha256 text, p_start bigint) returns json
language sql stable security invoker set search_path = '' as $$
  select to_json(translate(encode(b.bytes, 'base64'), E'\n', '')) from agent_runtime.blobs b
  where b.tenant = p_tenant and b.session_id = p_session and b.sha256 = p_sha256 and b.start = p_start
$$;

create function public.agent_runtime_transcript(p_tenant text, p_session text, p_after bigint, p_limit bigint) returns json
language sql stable security invoker set search_path = '' as $$
  select coalesce(json_agg(page order by page.n), '[]')
  from (
    select t.n, t.entry from agent_runtime.transcripts t
    where t.tenant = p_tenant and t.session_id = p_session
      and agent_runtime.is_there(p_tenant, p_session) and t.n > p_after order by t.n limit p_limit
  ) page
$$;

create function public.agent_runtime_raw_transcript(p_tenant text, p_session text) returns json
language sql stable security invoker set search_path = '' as $$
  select json_build_object('seq', r.seq, 'text', r.text) from agent_runtime.raw_transcripts r
  where r.tenant = p_tenant and r.session_id = p_session
$$;

create function public.agent_runtime_message(p_tenant text, p_session text, p_message text, p_key text) returns json
language sql stable security invoker set search_path = '' as $$
  select json_build_object(
    'message_id', m.message_id, 'idempotency_key', m.idempotency_key, 'content_hash', m.content_hash,
    'position', m.position
  )
  from agent_runtime.messages m
  where m.tenant = p_tenant and m.session_id = p_session and agent_runtime.is_there(p_tenant, p_session)
    and (m.message_id = p_message or m.idempotency_key = p_key)
  limit 1
$$;

-- A page of sessions. Built as text, so that the index of the order and of the filter serves it.
create function public.agent_runtime_list(p_tenant text, p_order text, p_filter jsonb, p_after jsonb, p_limit bigint)
returns json
language plpgsql stable security invoker set search_path = '' as $$
declare
  v_by constant text := case p_order when 'created' then 'created_ms' else 'sort_at' end;
  v_conditions text := '';
  v_page json;
begin
  select coalesce(string_agg(format(' and s.%s ($2 ->> %L)::%s', c.comparison, c.name, c.type), ''), '')
  into v_conditions
  from (values
    ('type', 'type =', 'text'), ('profile', 'profile =', 'text'), ('loaded', 'loaded =', 'integer'),
    ('created_from', 'created_ms >=', 'bigint'), ('created_before', 'created_ms <', 'bigint'),
    ('active_from', 'sort_at >=', 'bigint'), ('active_before', 'sort_at <', 'bigint')
  ) as c (name, comparison, type)
  where p_filter ? c.name;
  if p_after is not null then
    v_conditions := v_conditions || format(' and (s.%I, s.session_id) < (($3 ->> ''at'')::bigint, $3 ->> ''id'')', v_by);
  end if;
  execute format(
    'select coalesce(json_agg(page order by page.%1$I desc, page.session_id desc), ''[]'') from (
       select s.* from agent_runtime.sessions s where s.tenant = $1%2$s
       order by s.%1$I desc, s.session_id desc limit $4
     ) page',
    v_by, v_conditions
  ) into v_page using p_tenant, p_filter, p_after, p_limit;
  return v_page;
end $$;

-- Sessions that are loaded, and those with a sandbox; of all tenants that the caller may see.
create function public.agent_runtime_claimed() returns json
language sql stable security invoker set search_path = '' as $$
  select coalesce(json_agg(c), '[]')
  from (
    select k.tenant, k.session_id, b.sandbox
    from (
      select s.tenant, s.session_id from agent_runtime.sessions s where s.loaded = 1
      union
      select b.tenant, b.session_id from agent_runtime.sandboxes b
    ) k
    left join agent_runtime.sandboxes b on b.tenant = k.tenant and b.session_id = k.session_id
  ) c
$$;

-- Sessions whose deletion has begun.
create function public.agent_runtime_removals() returns json
language sql stable security invoker set search_path = '' as $$
  select coalesce(json_agg(r), '[]') from agent_runtime.removals r
$$;

-- Whom this caller is, and what is installed here.
create function public.agent_runtime_installed() returns json
language sql stable security invoker set search_path = '' as $$
  select json_build_object(
    'functions', 1,
    'migrations', (select coalesce(json_agg(m.name order by m.name), '[]') from agent_runtime.agent_runtime_migrations m),
    'tenant', agent_runtime.tenant(),
    'every_tenant', (select rolbypassrls or rolsuper from pg_catalog.pg_roles where rolname = current_user)
  )
$$;
