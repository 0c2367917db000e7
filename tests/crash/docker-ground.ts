import { readFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { offerDockerEngine } from "../../scripts/docker-engine.ts";
import { dockerFlags, testEngine } from "../testing/test-engine.ts";
import type { CloudGround } from "./modal-ground.ts";

const LABEL = "agent-runtime.";

interface Container {
  readonly Id: string;
  readonly Labels: Readonly<Record<string, string>>;
}

/**
 * A Docker engine, which nobody kills: the one of the run of tests, or one of its own. Files are read where the engine has
 * them on this host, past everything that the server knows.
 */
export async function dockerGround(): Promise<CloudGround> {
  const stop = process.env["AGENT_RUNTIME_TEST_DOCKER"] === undefined ? await offerDockerEngine() : undefined;
  const engine = await testEngine();
  if (typeof engine === "string") {
    await stop?.();
    throw new Error(`No Docker engine: ${engine}`);
  }
  const { host } = engine;
  const { flags, environment } = dockerFlags(engine);
  const seen = new Set<string>();

  async function containers(label: string): Promise<readonly Container[]> {
    const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
    return JSON.parse(await call(host, "GET", `/containers/json?all=1&filters=${filters}`)) as Container[];
  }

  return {
    flags,
    environment,
    async readFile(sessionId, path) {
      const own = (await containers(`${LABEL}session=${sessionId}`)).map(({ Labels }) => Labels);
      const generation = (labels: Container["Labels"]): number => Number(labels[`${LABEL}generation`]);
      const newest = own.toSorted((a, b) => generation(a) - generation(b)).at(-1);
      if (newest === undefined) return "";
      const [dataDir = "", key = ""] = [newest[`${LABEL}data-dir`], newest[`${LABEL}key`]];
      seen.add(dataDir);
      return readFile(join(dataDir, "sandboxes", key, "workspace", path), "utf8").catch(() => "");
    },
    async [Symbol.asyncDispose]() {
      for (const dataDir of seen) {
        for (const { Id } of await containers(`${LABEL}data-dir=${dataDir}`)) {
          await call(host, "DELETE", `/containers/${Id}?force=1&v=1`);
        }
      }
      await stop?.();
    },
  };
}

function call(host: string, method: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socketPath = host.slice("unix://".length);
    const sent = request({ socketPath, method, path, agent: false }, (answer) => {
      let body = "";
      answer.on("data", (part) => (body += String(part)));
      answer.on("end", () => resolve(body));
      answer.on("error", reject);
    });
    sent.on("error", reject);
    sent.end();
  });
}
