import { rmSync } from "node:fs";
import { createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { RunnerFrame, WIRE_VERSION, createLineSplitter, encodeLine } from "@hhopkins/agent-runtime-protocol";
import type { CommandBody, Entry, EntryBody, ToRunnerFrame } from "@hhopkins/agent-runtime-protocol";

type Reply = Extract<RunnerFrame, { type: "reply" }>;

/** The server's end of one connection. */
export class FakePeer {
  readonly frames: RunnerFrame[] = [];
  readonly socket: Socket;
  closed = false;
  onFrame: (frame: RunnerFrame) => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    const splitter = createLineSplitter();
    socket.on("data", (chunk: Buffer) => {
      for (const line of splitter.push(chunk)) {
        const frame = RunnerFrame.parse(JSON.parse(line));
        this.frames.push(frame);
        this.onFrame(frame);
      }
    });
    socket.on("error", () => {});
    socket.on("close", () => (this.closed = true));
  }

  send(frame: ToRunnerFrame): void {
    this.socket.write(encodeLine(frame));
  }

  sendRaw(text: string | Uint8Array): void {
    this.socket.write(text);
  }

  attach(after = 0, { fence = 1, generation = 1 } = {}): void {
    this.send({ type: "attach", version: WIRE_VERSION, generation, fence, after });
  }

  command(id: string, command: CommandBody, fence = 1): void {
    this.send({ type: "command", id, fence, command });
  }

  frame<T extends RunnerFrame["type"]>(type: T): Promise<Extract<RunnerFrame, { type: T }>> {
    return until(
      () => this.frames.find((frame) => frame.type === type) as Extract<RunnerFrame, { type: T }> | undefined,
    );
  }

  async reply(id: string): Promise<Reply> {
    return until(() => this.frames.find((frame): frame is Reply => frame.type === "reply" && frame.id === id));
  }

  async ask(id: string, command: CommandBody): Promise<Reply> {
    this.command(id, command);
    return this.reply(id);
  }

  get entries(): Entry[] {
    return this.frames.filter((frame) => frame.type === "entry");
  }

  get bodies(): EntryBody[] {
    return this.entries.map((entry) => entry.body);
  }

  entry<K extends EntryBody["kind"]>(
    kind: K,
    test: (body: Extract<EntryBody, { kind: K }>) => boolean = () => true,
  ): Promise<Extract<EntryBody, { kind: K }>> {
    return until(() =>
      this.bodies.find(
        (body): body is Extract<EntryBody, { kind: K }> =>
          body.kind === kind && test(body as Extract<EntryBody, { kind: K }>),
      ),
    );
  }
}

/** A server's runner socket. `peer(i)` is the i-th connection that came. */
export class FakeServer {
  readonly path: string;
  readonly peers: FakePeer[] = [];
  private server: Server | null = null;

  constructor(path: string) {
    this.path = path;
  }

  async listen(): Promise<void> {
    rmSync(this.path, { force: true });
    const server = createServer((socket) => this.peers.push(new FakePeer(socket)));
    this.server = server;
    await new Promise<void>((resolve) => server.listen(this.path, resolve));
  }

  peer(index: number): Promise<FakePeer> {
    return until(() => this.peers[index]);
  }

  /** A connection that is open now, or the next to come. */
  newest(): Promise<FakePeer> {
    return until(() => this.peers.findLast((peer) => !peer.closed));
  }

  async close(): Promise<void> {
    const { server } = this;
    this.server = null;
    for (const peer of this.peers) {
      peer.closed = true;
      peer.socket.destroy();
    }
    if (server !== null) await new Promise((resolve) => server.close(resolve));
  }
}

/** Waits for a condition, at most 20 s. */
export async function until<T>(look: () => T | undefined | null | false): Promise<T> {
  for (const end = performance.now() + 20_000; performance.now() < end;) {
    const value = look();
    if (value !== undefined && value !== null && value !== false) return value;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`Waited too long for ${look.toString()}`);
}
