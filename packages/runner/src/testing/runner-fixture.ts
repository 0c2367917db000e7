import { join } from "node:path";
import { DEFAULT_PROFILE } from "@hhopkins/agent-runtime-protocol";
import type { CommandBody, EntryKind } from "@hhopkins/agent-runtime-protocol";
import { startRunner } from "../runner.ts";
import type { Runner, RunnerOptions } from "../runner.ts";
import type { FakeArchitecture } from "./fake-architecture.ts";
import { FakeServer } from "./fake-server.ts";
import type { FakePeer } from "./fake-server.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export const START: Extract<CommandBody, { kind: "start" }> = {
  kind: "start",
  architecture: "fake",
  profile: DEFAULT_PROFILE,
  options: {},
  environment: {},
  ignore: ["node_modules"],
  maxFileBytes: 1_000_000,
};

export function message(turnId: string, content = "hi"): CommandBody {
  return { kind: "message", turnId, messages: [{ messageId: `m-${turnId}`, content }] };
}

export function kinds(peer: FakePeer): EntryKind[] {
  return peer.bodies.map((body) => body.kind);
}

/** A folder for runners, and a server that they dial. */
export class RunnerFixture {
  readonly folder: string;
  readonly server: FakeServer;
  readonly #temporary = temporaryFolder();
  readonly #runners: Runner[] = [];

  constructor() {
    this.folder = this.#temporary.path;
    this.server = new FakeServer(join(this.folder, "runner.sock"));
  }

  async run(architecture: FakeArchitecture, options: Partial<RunnerOptions> = {}): Promise<Runner> {
    const { folder } = this;
    const runner = await startRunner({
      paths: {
        workspace: join(folder, "workspace"),
        home: join(folder, "home"),
        state: join(folder, "state"),
        sockets: folder,
        packages: folder,
      },
      generation: 1,
      modelToken: "token",
      aloneMs: 1e9,
      startDeadlineMs: 10_000,
      network: "gateway",
      journalBytes: 1e7,
      bridgePort: 0,
      findArchitecture: (name) => (name === architecture.name ? architecture : undefined),
      now: () => new Date(),
      log: () => {},
      ...options,
    });
    this.#runners.push(runner);
    return runner;
  }

  /** The runner's connection, attached; every entry is acknowledged. */
  async attached(after = 0): Promise<FakePeer> {
    const peer = await this.server.newest();
    peer.onFrame = (frame) => void (frame.type === "entry" && peer.send({ type: "ack", n: frame.n }));
    peer.attach(after);
    return peer;
  }

  async remove(): Promise<void> {
    await this.server.close();
    for (const runner of this.#runners) await runner.stop();
    this.#temporary.remove();
  }
}
