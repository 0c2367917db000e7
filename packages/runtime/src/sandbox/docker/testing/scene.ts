import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "vitest";
import Docker from "dockerode";
import type { Sandbox, SandboxProvider, SandboxSpec } from "../../port.ts";
import { WITHOUT_END, testSpec } from "../../testing/inside.ts";
import { dockerSandbox } from "../index.ts";
import type { DockerSandboxOptions } from "../index.ts";
import { testEngine } from "./test-engine.ts";
import type { TestEngine } from "./test-engine.ts";

/** A data directory of its own on the tests' engine, the providers on it, and what they have made. */
export interface Scene {
  readonly engine: TestEngine;
  /** Why there is no engine; null: there is one. */
  readonly missing: string | null;
  /** To look at, and do to, the engine what a person could. */
  readonly docker: Docker;
  readonly scratch: string;
  readonly dataDir: string;
  /** Each call is another server, as far as sandboxes are concerned. */
  provider(options?: Partial<DockerSandboxOptions>): SandboxProvider;
  create(key: string, options?: { from?: SandboxProvider; spec?: Partial<SandboxSpec> }): Promise<Sandbox>;
  /** Ends this one with the others. */
  keep(sandbox: Sandbox): Sandbox;
  rootOf(key: string): string;
  /** Ids of the containers that belong to this scene, in whatever state. */
  containers(): Promise<string[]>;
  /** Where no engine can be had: skips the test, with the reason. */
  orSkip(context: TestContext): void;
  end(): Promise<void>;
}

const NONE: TestEngine = { host: "unix:///nowhere", image: "none", version: "none" };

/** Asks for the engine; a file of tests that need it has `beforeEach(scene.orSkip)`. */
export async function dockerScene(): Promise<Scene> {
  const answer = await testEngine();
  const missing = typeof answer === "string" ? answer : null;
  const engine = typeof answer === "string" ? NONE : answer;
  const scratch = mkdtempSync(join(tmpdir(), "docker-test-"));
  const dataDir = join(scratch, "data");
  mkdirSync(dataDir);
  const opened: Sandbox[] = [];
  const docker = new Docker({ socketPath: engine.host.slice("unix://".length) });
  const { host, image } = engine;
  const scene: Scene = {
    engine,
    missing,
    docker,
    scratch,
    dataDir,
    provider: (options = {}) => dockerSandbox({ dataDir, host, image, pull: "never", ...options }),
    create: async (key, { from = scene.provider(), spec = {} } = {}) =>
      scene.keep(await from.create(testSpec(key, spec), WITHOUT_END)),
    keep(sandbox) {
      opened.push(sandbox);
      return sandbox;
    },
    rootOf: (key) => join(dataDir, "sandboxes", key),
    async containers() {
      const filters = { label: [`agent-runtime.data-dir=${dataDir}`] };
      return (await docker.listContainers({ all: true, filters })).map(({ Id }) => Id);
    },
    orSkip(context) {
      if (missing !== null) context.skip(missing);
    },
    async end() {
      await Promise.all(opened.map((sandbox) => sandbox.terminate()));
      rmSync(scratch, { recursive: true, force: true });
    },
  };
  return scene;
}
