import { once } from "node:events";
import { createConnection } from "node:net";

/** The Docker engine of this run of tests, and the image in it. */
export interface TestEngine {
  readonly host: string;
  readonly image: string;
}

/** Asks the run of tests for its engine, which starts with the first who asks; a text says why there is none. */
export async function testEngine(): Promise<TestEngine | string> {
  const offer = process.env.AGENT_RUNTIME_TEST_DOCKER;
  if (offer === undefined) return "these tests were not started by vitest";
  const socket = createConnection(offer);
  let line = "";
  socket.on("data", (part) => (line += String(part)));
  await once(socket, "end");
  const answer = JSON.parse(line) as TestEngine | { readonly none: string };
  return "none" in answer ? answer.none : answer;
}

/** What makes the command use that engine. */
export function dockerFlags({ host, image }: TestEngine): {
  flags: readonly string[];
  environment: Readonly<Record<string, string>>;
} {
  return { flags: ["--sandbox", "docker", "--docker-image", image], environment: { DOCKER_HOST: host } };
}
