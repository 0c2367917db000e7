import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { offerDockerEngine } from "../../scripts/docker-engine.ts";
import { DIALLER, FILE_BYTES, expectFile, runToEnd, timed, untilDialled, type Command } from "./bare.ts";
import type { Ground } from "./grounds.ts";

interface Engine {
  readonly host: string;
  readonly image: string;
  readonly version: string;
}

/** An engine of its own, as the tests have it. Throws the reason where there can be none. */
export async function dockerGround(folder: string): Promise<Ground> {
  const stop = await offerDockerEngine();
  try {
    return await onEngine(await askEngine(), { folder, stop });
  } catch (error) {
    await stop();
    throw error;
  }
}

async function askEngine(): Promise<Engine> {
  const socket = createConnection(process.env["AGENT_RUNTIME_TEST_DOCKER"] ?? "");
  await once(socket, "connect");
  const answer = JSON.parse(await text(socket)) as Engine | { readonly none: string };
  if ("none" in answer) throw new Error(answer.none);
  return answer;
}

async function onEngine(
  { host, image, version }: Engine,
  { folder, stop }: { folder: string; stop: () => Promise<void> },
): Promise<Ground> {
  const docker = (...args: readonly string[]): Command => ({ program: "docker", args: ["-H", host, ...args] });
  const sockets = join(folder, "bare");
  await mkdir(sockets, { recursive: true });
  const run = ["run", "--rm", "--network", "none"];
  const folders = ["-v", `${sockets}:${sockets}`, "-v", `${DIALLER}:/opt/dialler.mjs:ro`];
  const where = ["-e", `AGENT_RUNTIME_SOCKETS=${sockets}`];
  const node = docker(...run, ...folders, ...where, image, "node", "/opt/dialler.mjs");
  const started = await runToEnd(docker(...run, "-d", "--init", image, "sleep", "infinity"));
  const container = started.toString().trim();
  const write = docker("exec", "-i", container, "sh", "-c", "cat > /tmp/file.bin");
  const read = docker("exec", container, "cat", "/tmp/file.bin");
  return {
    place: { provider: "docker", host, image },
    about: `engine ${version}`,
    bare: [
      { step: "ready", name: "docker run: a node that dials", measure: () => untilDialled(node, sockets) },
      { step: "ready", name: "docker run: true", measure: () => timed(() => runToEnd(docker(...run, image, "true"))) },
      {
        step: "exec",
        name: "docker exec: true",
        measure: () => timed(() => runToEnd(docker("exec", container, "true"))),
      },
      { step: "write", name: "docker exec: cat > file", measure: () => timed(() => runToEnd(write, FILE_BYTES)) },
      {
        step: "read",
        name: "docker exec: cat file",
        measure: () => timed(async () => expectFile(await runToEnd(read))),
      },
    ],
    async close() {
      await runToEnd(docker("rm", "-f", container));
      await stop();
    },
  };
}
