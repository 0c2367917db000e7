import { Status } from "nice-grpc";
import type { BoxProgram } from "./box.ts";
import type { Exit } from "./inside/frames.ts";
import type { Output } from "./output.ts";
import { refuse } from "./sdk.ts";

/** A program that was started by TaskExecStart. */
export class Exec {
  readonly command: string;
  readonly argv: readonly string[];
  readonly stdout: Output;
  readonly stderr: Output;
  readonly exited: Promise<Exit>;
  exit: Exit | null = null;
  /** Aborted when its sandbox is gone without trace: then its streams break, and do not end. */
  readonly lost = new AbortController();
  readonly #program: BoxProgram;
  #written = 0;
  #closed = false;
  /** One writer at a time, in order. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Grows when a stream that writes is put out of its place. */
  #writer = 0;

  constructor(argv: readonly string[], program: BoxProgram) {
    this.argv = argv;
    this.command = argv.join(" ");
    this.#program = program;
    this.stdout = program.stdout;
    this.stderr = program.stderr;
    this.exited = program.exited.then((exit) => (this.exit = exit));
  }

  get stdinStatus(): { numBytesWritten: number; closed: boolean } {
    return { numBytesWritten: this.#written, closed: this.#closed };
  }

  /** Takes the place of a stream that was writing. */
  claimStdin(): number {
    this.#writer += 1;
    return this.#writer;
  }

  /**
   * At an offset: what came before is not written twice. Throws FAILED_PRECONDITION when the program takes no more,
   * OUT_OF_RANGE when bytes before the offset are missing, ABORTED when another writer came.
   */
  async write(bytes: Uint8Array, { offset, writer }: { offset: number; writer?: number }): Promise<void> {
    const work = this.#turn.then(async () => {
      if (writer !== undefined && writer !== this.#writer) throw refuse(Status.ABORTED, "Another stream writes now");
      if (offset > this.#written) throw refuse(Status.OUT_OF_RANGE, `Bytes ${this.#written} to ${offset} are missing`);
      const fresh = bytes.subarray(this.#written - offset);
      if (fresh.length === 0) return;
      if (this.#closed || !(await this.#program.write(fresh))) {
        throw refuse(Status.FAILED_PRECONDITION, "The program's input is closed");
      }
      this.#written += fresh.length;
    });
    this.#turn = work.catch(() => undefined);
    return work;
  }

  async closeStdin(): Promise<void> {
    await this.#turn;
    this.#closed = true;
    this.#program.closeStdin();
  }

  kill(): void {
    this.#program.kill();
  }
}
