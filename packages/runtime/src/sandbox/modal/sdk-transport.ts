import type * as ModalSdk from "modal";
import { INSIDE } from "./inside/paths.ts";
import type { Transport } from "./line/line.ts";

/** Starts a bridge in the sandbox, and speaks with it through the SDK's streams. */
export async function startBridge(sandbox: ModalSdk.Sandbox): Promise<Transport> {
  // What it would say on standard error nobody reads; its exit is seen by the end of its output.
  const bridge = await sandbox.exec(["node", INSIDE.bridge], { mode: "binary", stderr: "ignore", workdir: "/" });
  const writer = bridge.stdin.getWriter();
  const reader = bridge.stdout.getReader();
  // Told here, where somebody waits for a write.
  writer.closed.catch(() => undefined);
  reader.closed.catch(() => undefined);
  return {
    write: (bytes) => writer.write(bytes),
    bytes: chunks(reader),
    close() {
      // The end of its input is the end of the bridge; one that this does not reach ends by itself.
      void writer.close().catch(() => undefined);
      void reader.cancel().catch(() => undefined);
    },
  };
}

async function* chunks(reader: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}
