-- Who may see what: the service role everything, a signed-in caller the sessions of one tenant, anybody else nothing.

-- The tenant of the caller's token: its claim `tenant`, or `app_metadata.tenant`, which users cannot change themselves.
create function agent_runtime.tenant() returns text
language sql stable security invoker set search_path = '' as $$
  select coalesce(auth.jwt() ->> 'tenant', auth.jwt() -> 'app_metadata' ->> 'tenant')
$$;

grant usage on schema agent_runtime to authenticated, service_role;
grant select, insert, update, delete on all tables in schema agent_runtime to service_role;
alter default privileges in schema agent_runtime grant select, insert, update, delete on tables to service_role;

do $$
declare
  v_table text;
begin
  foreach v_table in array array[
    'sessions', 'logs', 'events', 'snapshots', 'sandboxes', 'blocks', 'files', 'blobs', 'file_versions', 'checkpoints',
    'transcripts', 'messages', 'raw_transcripts', 'removals', 'commands'
  ] loop
    execute format('alter table agent_runtime.%I enable row level security', v_table);
    execute format('grant select, insert, update, delete on agent_runtime.%I to authenticated', v_table);
    execute format(
      'create policy of_tenant on agent_runtime.%I to authenticated
         using (tenant = (select agent_runtime.tenant())) with check (tenant = (select agent_runtime.tenant()))',
      v_table
    );
  end loop;
end $$;

-- Servers alone: nobody else has a right or a policy here.
alter table agent_runtime.nodes enable row level security;
alter table agent_runtime.answers enable row level security;
alter table agent_runtime.agent_profiles enable row level security;

alter table agent_runtime.agent_runtime_migrations enable row level security;
alter table agent_runtime.agent_runtime_migrations_lock enable row level security;
grant select on agent_runtime.agent_runtime_migrations to authenticated;
create policy to_read on agent_runtime.agent_runtime_migrations for select to authenticated using (true);
