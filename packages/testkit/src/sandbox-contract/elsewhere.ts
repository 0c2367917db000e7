import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { ContractRef, ContractSpec } from "./provider.ts";

/**
 * `SandboxSubject.createElsewhere` by a Node process that runs `module`: an ES module whose text has `provider` as a
 * variable after its imports, e.g. `import { x } from "file:///…"; const provider = x(options);`.
 */
export async function createInProcess(
  module: string,
  spec: ContractSpec,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<{ readonly ref: ContractRef; kill(): Promise<void> }> {
  const text = `${module}
    const spec = ${JSON.stringify(spec)};
    const sandbox = await provider.create(spec, { signal: new AbortController().signal, onProgress: () => undefined });
    await sandbox.accept("runner", (stream) => {
      stream.on("error", () => undefined);
      stream.once("data", () => console.log("created " + JSON.stringify(sandbox.ref)));
      stream.write(JSON.stringify({ js: "state.seen = 'by the first server'" }) + "\\n");
    });
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", text], {
    stdio: ["ignore", "pipe", "pipe"],
    env: environment,
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-2000)));
  const exited = once(child, "exit");
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith("created ")) return { ref: JSON.parse(line.slice(8)) as ContractRef, kill };
  }
  await exited;
  throw new Error(`the other process has not created a sandbox: ${said}`);
}
