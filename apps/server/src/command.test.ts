import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { COMMAND, COMMAND_ENVIRONMENT } from "../../../scripts/test-command.ts";
import { temporaryFolder } from "./testing/temporary-folder.ts";

function run(args: readonly string[], cwd: string) {
  const env = { PATH: process.env["PATH"], HOME: process.env["HOME"], ...COMMAND_ENVIRONMENT };
  const child = spawn(process.execPath, [COMMAND, ...args], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const said = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      for (const look of said) look();
    });
  }
  const exited = once(child, "exit").then(([code]) => code as number | null);
  return {
    child,
    exited,
    output: () => output,
    until: (pattern: RegExp) =>
      new Promise<RegExpExecArray>((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(output);
          if (found !== null) resolve(found);
        };
        said.add(look);
        void exited.then(() => reject(new Error(`ended: ${output}`)));
        look();
      }),
  };
}

async function ended(args: readonly string[]) {
  using folder = temporaryFolder();
  const command = run(args, folder.path);
  const code = await command.exited;
  return { code, output: command.output() };
}

test("wrong usage and wrong configuration end with 2, help with 0", async () => {
  const [help, unknown, port, folder] = await Promise.all([
    ended(["serve", "--help"]),
    ended(["--nonsense"]),
    ended(["serve", "--port", "x"]),
    ended(["--profiles", "dir", "--port", "0", "--sandbox", "unsafe-process"]),
  ]);
  expect(help).toMatchObject({ code: 0, output: expect.stringContaining("--idle-timeout-ms") as string });
  expect(unknown).toMatchObject({ code: 2, output: expect.stringContaining("--nonsense") as string });
  expect(port).toMatchObject({ code: 2, output: "agent-runtime: --port must be a number.\n" });
  expect(folder).toMatchObject({
    code: 2,
    output: expect.stringContaining("the folder of profiles cannot be read") as string,
  });
});

test("a taken port ends with 1 and one line", async () => {
  const blocker = createServer().listen(0, "127.0.0.1");
  await once(blocker, "listening");
  const { port } = blocker.address() as AddressInfo;
  const { code, output } = await ended(["--port", String(port), "--sandbox", "unsafe-process"]);
  blocker.close();
  expect(code).toBe(1);
  expect(output).toMatch(new RegExp(`^agent-runtime: Port ${port} on 127.0.0.1 is taken.*--port.*\n$`));
});

test("doctor says what lacks and ends with 1, else with 0", async () => {
  const flags = ["doctor", "--sandbox", "unsafe-process", "--port", "0"];
  const [well, ill] = await Promise.all([ended(flags), ended([...flags, "--data-dir", "/dev/null/x"])]);
  expect(well).toMatchObject({ code: 0, output: expect.stringMatching(/^ok {4}Node: /) as string });
  expect(ill).toMatchObject({
    code: 1,
    output: expect.stringMatching(/FAIL {2}Data directory: .*--data-dir/) as string,
  });
});

test("serves until SIGTERM, then ends with 0; meanwhile no other server gets its data", async () => {
  using folder = temporaryFolder();
  const server = run(["--port", "0", "--sandbox", "unsafe-process"], folder.path);
  const [url] = await server.until(/http:\/\/127\.0\.0\.1:\d+/);
  expect((await fetch(`${url}/health`)).status).toBe(200);
  expect(server.output()).toContain(join(folder.path, ".agent-runtime", "api-key"));
  const second = run(["--port", "0", "--sandbox", "unsafe-process"], folder.path);
  expect(await second.exited).toBe(1);
  expect(second.output()).toContain(`in use by another server (process ${server.child.pid}`);
  server.child.kill("SIGTERM");
  expect(await server.exited).toBe(0);
});

test("nobody listens any more to what it says: it goes on, and ends in order", async () => {
  using folder = temporaryFolder();
  const server = run(["--port", "0", "--sandbox", "unsafe-process", "--log-level", "debug"], folder.path);
  const [url] = await server.until(/http:\/\/127\.0\.0\.1:\d+/);
  server.child.stdout.destroy();
  server.child.stderr.destroy();
  expect((await fetch(`${url}/health`)).status).toBe(200);
  server.child.kill("SIGTERM");
  expect(await server.exited).toBe(0);
});

test("a gateway serves until SIGTERM; a data directory has one, beside its server", { timeout: 90_000 }, async () => {
  using folder = temporaryFolder();
  const data = join(folder.path, "data");
  const gateway = run(["gateway", "--data-dir", data, "--model", "scripted"], folder.path);
  await gateway.until(/Agent Runtime gateway/);
  const again = run(["gateway", "--data-dir", data, "--model", "scripted"], folder.path);
  expect(await again.exited).toBe(1);
  expect(again.output()).toContain(`in use by another gateway (process ${gateway.child.pid}`);
  const server = run(
    ["serve", "--port", "0", "--data-dir", data, "--gateway", "external", "--sandbox", "unsafe-process"],
    folder.path,
  );
  await server.until(/Model +as `agent-runtime gateway` has it/);
  server.child.kill("SIGTERM");
  gateway.child.kill("SIGTERM");
  expect([await server.exited, await gateway.exited]).toEqual([0, 0]);
  expect((await ended(["serve", "--gateway", "elsewhere"])).code).toBe(2);
});

test("export and import carry a session from one store to another; a running server keeps its store to itself", async () => {
  using folder = temporaryFolder();
  const server = run(["--port", "0", "--sandbox", "unsafe-process", "--data-dir", "a", "--api-key", "k"], folder.path);
  const [url] = await server.until(/http:\/\/127\.0\.0\.1:\d+/);
  const headers = { authorization: "Bearer k", "content-type": "application/json" };
  const body = JSON.stringify({ agentProfileRef: "default", architecture: "claude-agent-sdk", name: "carried" });
  const created = await fetch(`${url}/sessions/create`, { method: "POST", headers, body });
  const { sessionId } = (await created.json()) as { sessionId: string };
  const busy = run(["export", sessionId, "--data-dir", "a"], folder.path);
  expect(await busy.exited).toBe(1);
  expect(busy.output()).toMatch(/^agent-runtime: .*(in use|another server)/);
  server.child.kill("SIGTERM");
  await server.exited;

  const step = async (...args: string[]) => {
    const command = run(args, folder.path);
    return { code: await command.exited, output: command.output() };
  };
  expect(await step("export", sessionId, "--data-dir", "a", "--out", "s.gz")).toMatchObject({ code: 0 });
  expect(await step("import", "s.gz", "--data-dir", "b")).toEqual({ code: 0, output: `${sessionId}\n` });
  expect(await step("import", "s.gz", "--data-dir", "b")).toMatchObject({
    code: 1,
    output: expect.stringContaining("already") as string,
  });
  const again = await step("import", "s.gz", "--data-dir", "b", "--session-id", "two", "--name", "other");
  expect(again).toEqual({ code: 0, output: "two\n" });
  const unknown = await step("import", "s.gz", "--data-dir", "b", "--session-id", "x", "--agent-profile", "nobody");
  expect(unknown).toMatchObject({ code: 1, output: expect.stringContaining("no agent profile nobody") as string });
  mkdirSync(join(folder.path, "profiles/mine"), { recursive: true });
  writeFileSync(join(folder.path, "profiles/mine/CLAUDE.md"), "mine");
  const options = ["--profiles", "profiles", "--bound-secrets", "A=a.example", "--agent-profile", "mine"];
  expect(await step("import", "s.gz", "--data-dir", "b", "--session-id", "three", ...options)).toEqual({
    code: 0,
    output: "three\n",
  });
  expect(await step("export", "nobody", "--data-dir", "b")).toMatchObject({ code: 1 });
  expect(await step("export", "two", "--persistence", "memory")).toMatchObject({ code: 2 });
});

test("supabase-migrations copies the SQL files, again without harm, and never over others", async () => {
  using folder = temporaryFolder();
  const step = async (...args: string[]) => {
    const command = run(["supabase-migrations", ...args], folder.path);
    return { code: await command.exited, output: command.output() };
  };
  const written = await step();
  expect(written.code).toBe(0);
  const into = join(folder.path, "supabase/migrations");
  const names = readdirSync(into).toSorted();
  expect(names.length).toBeGreaterThan(3);
  expect(names.every((name) => /^\d{14}_agent_runtime_\w+\.sql$/.test(name))).toBe(true);
  for (const name of names) expect(written.output).toContain(`written: supabase/migrations/${name}\n`);
  expect(written.output).toContain("npx supabase db push");
  expect((await step()).output).toContain(`there already: supabase/migrations/${names[0]}\n`);
  const own = await step("own", "--schema", "api");
  expect(own.code).toBe(0);
  const text = (file: string) => readFileSync(join(folder.path, file), "utf8");
  expect(text(`own/${names.at(-2)}`)).toContain('create function "api".agent_runtime_');
  expect(text(`supabase/migrations/${names.at(-2)}`)).toContain("create function public.agent_runtime_");
  const other = await step("own");
  expect(other).toMatchObject({ code: 1, output: expect.stringMatching(/own\/\d+.*other content/) as string });
});

test(
  "convex-functions copies the functions, says what comes next, and overwrites nothing without --force",
  { timeout: 90_000 },
  async () => {
    using folder = temporaryFolder();
    const step = async (...args: string[]) => {
      const command = run(["convex-functions", ...args], folder.path);
      return { code: await command.exited, output: command.output() };
    };
    const written = await step();
    expect(written.code).toBe(0);
    expect(written.output).toContain("written: convex/agentRuntime/schema.ts\n");
    for (const next of ["agentRuntimeTables", "AGENT_RUNTIME_SECRET", "npx convex deploy"]) {
      expect(written.output).toContain(next);
    }
    const names = readdirSync(join(folder.path, "convex/agentRuntime"));
    const changed = join(folder.path, "convex/agentRuntime/reads.ts");
    writeFileSync(changed, "// mine");
    expect(await step()).toMatchObject({
      code: 1,
      output: expect.stringMatching(/reads\.ts differ.*--force/) as string,
    });
    expect(readFileSync(changed, "utf8")).toBe("// mine");
    const forced = await step("convex/agentRuntime", "--force");
    expect(forced.output).toContain(
      `written: convex/agentRuntime/reads.ts\nthere already: ${names.length - 1} files\n`,
    );
    expect(readFileSync(changed, "utf8")).not.toBe("// mine");
  },
);
