-- Many servers on one project: who lives, who runs which session, what they ask of each other. All times are the
-- database's, in milliseconds. For the service role alone.

create function agent_runtime.now_ms() returns bigint
language sql volatile security invoker set search_path = '' as $$
  select floor(extract(epoch from clock_timestamp()) * 1000)::bigint
$$;

create function agent_runtime.lives(p_node text) returns boolean
language sql volatile security invoker set search_path = '' as $$
  select exists (select from agent_runtime.nodes n where n.node_id = p_node and n.lives_until > agent_runtime.now_ms())
$$;

create function public.agent_runtime_cluster_heartbeat(p_node jsonb, p_ttl_ms bigint) returns json
language plpgsql security invoker set search_path = '' as $$
declare
  v_id constant text := p_node ->> 'node_id';
  v_now bigint;
  v_until bigint;
begin
  select n.lives_until into v_until from agent_runtime.nodes n where n.node_id = v_id for update;
  v_now := agent_runtime.now_ms();
  insert into agent_runtime.nodes (node_id, place, sandboxes, waiting, max_sandboxes, leaving, lives_until)
  values (
    v_id, p_node ->> 'place', (p_node ->> 'sandboxes')::bigint, (p_node ->> 'waiting')::bigint,
    (p_node ->> 'max_sandboxes')::bigint, (p_node ->> 'leaving')::integer, v_now + p_ttl_ms
  )
  on conflict (node_id) do update set
    place = excluded.place, sandboxes = excluded.sandboxes, waiting = excluded.waiting,
    max_sandboxes = excluded.max_sandboxes, leaving = excluded.leaving, lives_until = excluded.lives_until;
  -- What nobody needs any more: of nodes that are gone for a minute, and what is out of date.
  delete from agent_runtime.nodes n where n.node_id = any (array(
    select o.node_id from agent_runtime.nodes o where o.lives_until < v_now - 60000 for update skip locked
  ));
  delete from agent_runtime.answers a where a.id = any (array(
    select o.id from agent_runtime.answers o where o.valid_until <= v_now limit 1000 for update skip locked
  ));
  delete from agent_runtime.commands c where c.id = any (array(
    select o.id from agent_runtime.commands o where o.valid_until <= v_now limit 1000 for update skip locked
  ));
  return json_build_object(
    'lapsed', v_until is null or v_until <= v_now,
    'nodes', (select json_agg(n) from agent_runtime.nodes n where n.lives_until > v_now)
  );
end $$;

create function public.agent_runtime_cluster_leave(p_node text) returns void
language sql security invoker set search_path = '' as $$
  delete from agent_runtime.nodes n where n.node_id = p_node;
  update agent_runtime.logs l set node_id = null where l.node_id = p_node;
$$;

-- The lease as it is then; or why there is none.
create function public.agent_runtime_cluster_claim(p_tenant text, p_session text, p_node text) returns jsonb
language plpgsql security invoker set search_path = '' as $$
declare
  v_log record;
begin
  -- The row is locked first, so that who lives is looked up after whoever was faster is done.
  select l.node_id, l.fence into v_log from agent_runtime.logs l
  where l.tenant = p_tenant and l.session_id = p_session for update;
  if not found then
    return jsonb_build_object('refused', 'no_session');
  end if;
  if not agent_runtime.lives(p_node) then
    return jsonb_build_object('refused', 'not_alive');
  end if;
  if v_log.node_id is not null and agent_runtime.lives(v_log.node_id) then
    return jsonb_build_object('node_id', v_log.node_id, 'fence', v_log.fence);
  end if;
  update agent_runtime.logs l set node_id = p_node, fence = v_log.fence + 1
  where l.tenant = p_tenant and l.session_id = p_session;
  return jsonb_build_object('node_id', p_node, 'fence', v_log.fence + 1);
end $$;

create function public.agent_runtime_cluster_lease(p_tenant text, p_session text) returns json
language sql volatile security invoker set search_path = '' as $$
  select json_build_object('node_id', l.node_id, 'fence', l.fence) from agent_runtime.logs l
  where l.tenant = p_tenant and l.session_id = p_session and agent_runtime.lives(l.node_id)
$$;

create function public.agent_runtime_cluster_release(p_tenant text, p_session text, p_node text, p_fence bigint)
returns void
language sql security invoker set search_path = '' as $$
  update agent_runtime.logs l set node_id = null, fence = l.fence + 1
  where l.tenant = p_tenant and l.session_id = p_session and l.node_id = p_node and l.fence = p_fence
$$;

create function public.agent_runtime_cluster_leases(p_node text) returns json
language sql stable security invoker set search_path = '' as $$
  select coalesce(json_agg(json_build_object('tenant', l.tenant, 'session_id', l.session_id, 'fence', l.fence)), '[]')
  from agent_runtime.logs l where l.node_id = p_node
$$;

create function public.agent_runtime_cluster_abandoned(p_limit bigint) returns json
language plpgsql security invoker set search_path = '' as $$
declare
  v_now constant bigint := agent_runtime.now_ms();
begin
  return (
    select coalesce(json_agg(a), '[]')
    from (
      select w.tenant, w.session_id, b.sandbox
      from (
        select s.tenant, s.session_id from agent_runtime.sessions s where s.loaded = 1
        union
        select b.tenant, b.session_id from agent_runtime.sandboxes b
        union
        select c.tenant, c.session_id from agent_runtime.commands c
        where c.valid_until is null or c.valid_until > v_now
      ) w
      join agent_runtime.logs l on l.tenant = w.tenant and l.session_id = w.session_id
      left join agent_runtime.sandboxes b on b.tenant = w.tenant and b.session_id = w.session_id
      where not exists (select from agent_runtime.nodes n where n.node_id = l.node_id and n.lives_until > v_now)
      limit p_limit
    ) a
  );
end $$;

create function public.agent_runtime_cluster_tails(p_keys jsonb) returns json
language sql stable security invoker set search_path = '' as $$
  select coalesce(json_agg(l.last_seq order by k.place), '[]')
  from jsonb_array_elements(p_keys) with ordinality as k (key, place)
  left join agent_runtime.logs l on l.tenant = k.key ->> 0 and l.session_id = k.key ->> 1
$$;

-- False: there is no such session.
create function public.agent_runtime_cluster_send(p_command jsonb) returns boolean
language plpgsql security invoker set search_path = '' as $$
declare
  v_tenant constant text := p_command ->> 'tenant';
  v_session constant text := p_command ->> 'session_id';
begin
  -- Locked, so that a deletion at the same time comes before it or takes the command along.
  perform from agent_runtime.logs l where l.tenant = v_tenant and l.session_id = v_session for update;
  if not found then
    return false;
  end if;
  insert into agent_runtime.commands (id, tenant, session_id, from_node, method, body, valid_ms, valid_until)
  values (
    p_command ->> 'id', v_tenant, v_session, p_command ->> 'from_node', p_command ->> 'method', p_command ->> 'body',
    (p_command ->> 'valid_ms')::bigint, agent_runtime.now_ms() + (p_command ->> 'valid_ms')::bigint
  ) on conflict do nothing;
  -- After the command is there: an answer of meanwhile would have taken it away.
  delete from agent_runtime.commands c
  where c.id = p_command ->> 'id' and exists (select from agent_runtime.answers a where a.id = c.id);
  return true;
end $$;

create function public.agent_runtime_cluster_waiting(p_node text, p_limit bigint) returns json
language plpgsql security invoker set search_path = '' as $$
declare
  v_now constant bigint := agent_runtime.now_ms();
begin
  return (
    select coalesce(json_agg(w order by w.id), '[]')
    from (
      select c.* from agent_runtime.commands c
      join agent_runtime.logs l on l.tenant = c.tenant and l.session_id = c.session_id
      where l.node_id = p_node and (c.valid_until is null or c.valid_until > v_now)
      order by c.id limit p_limit
    ) w
  );
end $$;

create function public.agent_runtime_cluster_answer(p_id text, p_answer text) returns void
language plpgsql security invoker set search_path = '' as $$
begin
  insert into agent_runtime.answers (id, answer, valid_until)
  values (p_id, p_answer, agent_runtime.now_ms() + 60000) on conflict do nothing;
  delete from agent_runtime.commands c where c.id = p_id;
end $$;

create function public.agent_runtime_cluster_answers(p_ids jsonb) returns json
language plpgsql security invoker set search_path = '' as $$
declare
  v_now constant bigint := agent_runtime.now_ms();
begin
  return (
    select coalesce(json_agg(a.answer order by i.place), '[]')
    from jsonb_array_elements_text(p_ids) with ordinality as i (id, place)
    left join agent_runtime.answers a on a.id = i.id and a.valid_until > v_now
  );
end $$;

create function public.agent_runtime_cluster_forget(p_ids jsonb) returns void
language sql security invoker set search_path = '' as $$
  delete from agent_runtime.answers a where a.id in (select jsonb_array_elements_text(p_ids))
$$;
