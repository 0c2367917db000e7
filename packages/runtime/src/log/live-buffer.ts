import type { LogFrame } from "./frame.ts";
import type { LogListener } from "./hub.ts";

/** Frames that a reader may be behind in memory. */
const BUFFER_FRAMES = 1024;
/**
 * Characters of payload in the same buffer. In memory a frame is about three times its payload, and a reader that
 * stalls holds as much again that it has taken and not sent.
 */
const BUFFER_CHARS = 256 * 1024;

/** Live frames on their way to one reader: bounded, and forgotten as a whole when the bound is reached. */
export class LiveBuffer implements LogListener {
  #frames: LogFrame[] = [];
  #chars = 0;
  #wake: (() => void) | undefined;
  #ended = false;
  /** Frames were forgotten (or never seen): the reader has to read the store first. */
  #gap = true;

  frames(frames: readonly LogFrame[]): void {
    for (const frame of frames) this.#chars += frame.data.length;
    this.#frames.push(...frames);
    if (this.#frames.length > BUFFER_FRAMES || this.#chars > BUFFER_CHARS) {
      this.#clear();
      this.#gap = true;
    }
    this.#wake?.();
  }

  behind(): void {
    this.#gap = true;
    this.#wake?.();
  }

  ended(): void {
    this.#ended = true;
    this.#wake?.();
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** Whether the store has to be read; from this call on the buffer is whole again. */
  mendGap(): boolean {
    const gap = this.#gap;
    this.#gap = false;
    return gap;
  }

  /**
   * The frames after `cursor`, as far as they follow one another; null where the next one is not among them though
   * later ones are. What is not given is forgotten, and the reader has to read the store.
   */
  take(cursor: number): readonly LogFrame[] | null {
    const frames: LogFrame[] = [];
    let reached = cursor;
    for (const frame of this.#frames) {
      if (frame.event.seq <= reached) continue;
      if (frame.first !== reached + 1) {
        this.#gap = true;
        break;
      }
      frames.push(frame);
      reached = frame.event.seq;
    }
    this.#clear();
    return frames.length === 0 && this.#gap ? null : frames;
  }

  /** Resolves when there is news, or when `signal` fires. */
  async news(signal: AbortSignal): Promise<void> {
    if (this.#frames.length > 0 || this.#gap || this.#ended || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        signal.removeEventListener("abort", wake);
        this.#wake = undefined;
        resolve();
      };
      this.#wake = wake;
      signal.addEventListener("abort", wake);
    });
  }

  #clear(): void {
    this.#frames = [];
    this.#chars = 0;
  }
}
