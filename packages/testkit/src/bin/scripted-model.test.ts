import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { startScriptedModel } from "../scripted-model/index.ts";

const program = fileURLToPath(new URL("scripted-model.ts", import.meta.url));

/** Runs the command; `until` ends it with this signal when the text has come. */
async function run(
  args: readonly string[],
  until?: { text: RegExp; act: (output: string) => Promise<NodeJS.Signals> },
) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  let found = false;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    if (found || until === undefined || !until.text.test(stdout)) return;
    found = true;
    void until.act(stdout).then(
      (signal) => child.kill(signal),
      () => child.kill("SIGKILL"),
    );
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  return { code, signal, stdout, stderr };
}

test.each(["SIGTERM", "SIGINT"] as const)("serves until %s", async (signal) => {
  let text = "";
  const result = await run(["--demo"], {
    text: /prompt for it: .*\n/,
    async act(output) {
      const url = /listens on (\S+)/.exec(output)![1]!;
      text = await (await fetch(`${url}/`)).text();
      return signal;
    },
  });
  expect(text).toContain("scripted model");
  expect(result).toMatchObject({ code: 0, signal: null, stderr: "" });
  expect(result.stdout).toContain("ANTHROPIC_BASE_URL=http://127.0.0.1:");
});

test("--help", async () => {
  const { code, stdout } = await run(["--help"]);
  expect(code).toBe(0);
  for (const option of ["--port", "--host", "--demo"]) expect(stdout).toContain(option);
});

test.each([[["--port", "many"]], [["--port", "65536"]], [["--nonsense"]], [["extra"]]])(
  "wrong arguments: %j",
  async (args) => {
    const { code, stderr, stdout } = await run(args);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/See --help/);
  },
);

test("a taken port", async () => {
  await using model = await startScriptedModel();
  const { code, stderr } = await run(["--port", String(model.port)]);
  expect(code).toBe(1);
  expect(stderr).toContain("EADDRINUSE");
});
