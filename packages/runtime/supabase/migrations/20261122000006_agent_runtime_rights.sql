-- Who may call the functions. Projects give every new function of an exposed schema to `anon` too: not these.
do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid::regprocedure from pg_catalog.pg_proc p
    where p.pronamespace = 'agent_runtime'::regnamespace or p.proname like 'agent\_runtime\_%'
  loop
    execute format('revoke all on function %s from public, anon, authenticated, service_role', v_function);
    execute format('grant execute on function %s to service_role', v_function);
    if v_function::text not like '%agent\_runtime\_cluster\_%' then
      execute format('grant execute on function %s to authenticated', v_function);
    end if;
  end loop;
end $$;

-- The REST interface looks for what is new.
notify pgrst, 'reload schema';
