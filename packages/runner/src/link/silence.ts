import type { Socket } from "node:net";
import type { Log } from "../log.ts";

/** Ends a connection whose server has said nothing for `silenceMs`: it may be stopped, and another one may be there. */
export function watchSilence(socket: Socket, silenceMs: number, log: Log): { heard(): void; stop(): void } {
  let last = performance.now();
  const isSilent = (): boolean => !socket.isPaused() && performance.now() - last > silenceMs;
  const timer = setInterval(
    () => {
      if (!isSilent()) return;
      // Where it was this process that was stopped, what has arrived meanwhile is read before this.
      setImmediate(() => {
        if (!isSilent()) return;
        log("link: the server is silent", { ms: silenceMs });
        socket.destroy();
      });
    },
    Math.max(10, silenceMs / 4),
  );
  timer.unref();
  return { heard: () => void (last = performance.now()), stop: () => clearInterval(timer) };
}
