import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createAgentRuntime } from "@hhopkins/agent-runtime";
import { memoryPersistence } from "@hhopkins/agent-runtime/persistence/memory";
import { localSandbox } from "@hhopkins/agent-runtime/sandbox/local";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bash, prompt } from "../testing/prompts.ts";
import { API_KEY, CANARY, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";

const OF_THE_SERVER = "of-the-server-51c0aa";

describe("what an agent finds when it looks around", () => {
  let bench: RuntimeUnderTest;
  let id: string;
  let other: string;
  beforeAll(async () => {
    process.env["AGENT_RUNTIME_TEST_SECRET"] = OF_THE_SERVER;
    bench = await startRuntime();
    other = await bench.create();
    await bench.turn(
      other,
      prompt("other", { tools: [bash("printf secret-of-the-other > theirs.txt")] }, { text: "ok" }),
    );
    id = await bench.create();
  });
  afterAll(async () => {
    delete process.env["AGENT_RUNTIME_TEST_SECRET"];
    await bench[Symbol.asyncDispose]();
  });

  /** What a command of the agent's Bash writes. */
  async function seen(command: string): Promise<string> {
    const state = await bench.turn(id, prompt("look", { tools: [bash(command)] }, { text: "looked" }));
    const result = state.blocks.findLast(({ type }) => type === "tool_result");
    if (result?.type !== "tool_result") throw new Error("no result");
    return result.content;
  }

  test("no key, no variable of the server: not in the environment, not in /proc, not in a file", async () => {
    // Halves that are joined there: what looks must not find itself, nor the transcript of the order to look.
    const words = [CANARY, OF_THE_SERVER, API_KEY].map((word) => [word.slice(0, 6), word.slice(6)]);
    const patterns = words.map(([a, b]) => `"${a}""${b}"`).join(" ");
    const result = await seen(
      `for p in ${patterns}; do
        env | grep -q -- "$p" && echo "environment $p";
        for f in /proc/[0-9]*/environ /proc/[0-9]*/cmdline; do tr '\\0' '\\n' < $f 2>/dev/null | grep -v grep | grep -q -- "$p" && echo "$f $p"; done;
        timeout 60 grep -rsIlF --exclude-dir=proc --exclude-dir=sys --exclude-dir=usr -- "$p" / && echo "file $p";
        timeout 60 grep -rsaoqF -- "$p" /home /state /run /etc /tmp /opt/runtime /workspace && echo "bytes $p";
      done; echo end`,
    );
    expect(result).toBe("end");
    expect(await seen("env | cut -d= -f1 | sort | tr '\\n' ' '")).not.toMatch(
      /AGENT_RUNTIME_TEST_SECRET|AGENT_RUNTIME_MODEL_TOKEN|VITEST/,
    );
  });

  test("the looking above would have found it", async () => {
    const result = await seen(
      `printf %s-%s planted a-word > /tmp/x; export PLANTED=$(cat /tmp/x); timeout 60 grep -rslF -- "planted-""a-word" /tmp; env | grep -c -- "planted-""a-word"`,
    );
    expect(result.split("\n").slice(0, 2)).toEqual(["/tmp/x", "1"]);
  });

  test("nothing of other sessions and of the server's folders", async () => {
    const result = await seen(
      `ls ${bench.dataDir} 2>&1; cat ${bench.dataDir}/sandboxes/${other}-1/workspace/theirs.txt 2>&1; find / -xdev -name theirs.txt 2>/dev/null; ls -A /workspace; echo end`,
    );
    expect(result).not.toContain("secret-of-the-other");
    expect(result.match(/No such file or directory/g)).toHaveLength(2);
    expect(result.split("\n").at(-1)).toBe("end");
    expect(result).not.toMatch(/^\/.*theirs\.txt$/m);
  });

  test("not root, no capabilities, no way to more of either", async () => {
    expect(
      await seen(
        "id -u; id -un; grep -E '^Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status | tr -d '\\t' | sort; grep NoNewPrivs /proc/self/status | tr -d '\\t'",
      ),
    ).toBe(
      [
        "1000",
        "agent",
        "CapAmb:0000000000000000",
        "CapBnd:0000000000000000",
        "CapEff:0000000000000000",
        "CapInh:0000000000000000",
        "CapPrm:0000000000000000",
        "NoNewPrivs:1",
      ].join("\n"),
    );
    expect(await seen("unshare -Ur true 2>/dev/null && echo more || echo no")).toBe("no");
  });

  test("no network but the bridge to the model", async () => {
    const server = createServer((_request, response) => response.end("reached the host"));
    server.listen(0, "0.0.0.0");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const reach = (host: string, to: number): string =>
      `(exec 3<>/dev/tcp/${host}/${to}) 2>/dev/null && echo open || echo closed`;
    const model = Number(new URL(bench.model.url).port);
    try {
      expect(
        await seen(
          `bash -c '${reach("127.0.0.1", port)}; ${reach("127.0.0.1", model)}; ${reach("192.0.2.1", 53)}'; tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '`,
        ),
      ).toBe(["closed", "closed", "closed", "lo"].join("\n"));
      // The one port that listens is the bridge; it goes nowhere but to the model, and not without the session's token.
      const listening = await seen("awk '$4 == \"0A\" { print $2 }' /proc/net/tcp /proc/net/tcp6 | sort -u");
      expect(listening).toMatch(/^0100007F:[0-9A-F]{4}$/);
      const bridge = Number.parseInt(listening.split(":")[1] ?? "", 16);
      const ask = `node -e 'fetch("http://127.0.0.1:${bridge}" + process.argv[1], {method: process.argv[2], headers: {"x-api-key": "guess"}, body: process.argv[2] === "POST" ? "{}" : undefined}).then((r) => console.log(r.status))'`;
      expect(await seen(`${ask} /v1/messages POST; ${ask} /v1/../admin GET; ${ask} /other GET`)).toBe(
        ["401", "401", "401"].join("\n"),
      );
    } finally {
      server.close();
    }
  });
});

describe("without isolation nothing starts", () => {
  let dataDir: string;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "agent-runtime-test-"));
  });
  afterAll(() => rm(dataDir, { recursive: true, force: true }));

  test("bubblewrap is not there: start() says what to install", async () => {
    const runtime = await createAgentRuntime({
      persistence: memoryPersistence(),
      sandbox: localSandbox({ dataDir, path: dataDir }),
    });
    await expect(runtime.start()).rejects.toMatchObject({
      code: "isolation_unavailable",
      message: expect.stringMatching(/bubblewrap/),
    });
    await runtime.shutdown();
  });

  test("bubblewrap is refused: start() fails too, and no session is run without it", async () => {
    const fake = join(dataDir, "bwrap");
    await writeFile(fake, "#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n", {
      mode: 0o755,
    });
    const runtime = await createAgentRuntime({
      persistence: memoryPersistence(),
      sandbox: localSandbox({ dataDir, path: dataDir }),
    });
    await expect(runtime.start()).rejects.toMatchObject({ code: "isolation_unavailable" });
    await runtime.shutdown();
  });

  test("a server whose PATH has no bubblewrap does not start, with the defaults", async () => {
    const program = `import { createAgentRuntime } from "@hhopkins/agent-runtime";
      const runtime = await createAgentRuntime({ dataDir: process.argv[1] });
      await runtime.start().then(() => console.log("started"), (error) => console.log(error.code));
      await runtime.shutdown();`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program, dataDir], {
      cwd: import.meta.dirname,
      env: { PATH: "/nowhere" },
    });
    expect(stdout.trim()).toBe("isolation_unavailable");
  });
});
