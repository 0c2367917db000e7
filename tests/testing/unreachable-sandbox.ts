import type { Sandbox, SandboxLife, SandboxProvider } from "@hhopkins/agent-runtime";
import type { Duplex } from "node:stream";

/** A real provider between which and the server the line can be cut. */
export interface UnreachableProvider {
  readonly provider: SandboxProvider;
  /** Cuts every stream, lets none through, and says of every sandbox that it is so. Sandboxes that are ended go on. */
  cut(life: SandboxLife): void;
  restore(): void;
  /** Gives a stream to the server as one of this sandbox's runner. */
  deliver(sandboxId: string, stream: Duplex): void;
}

export function unreachableProvider(real: SandboxProvider): UnreachableProvider {
  const streams = new Set<Duplex>();
  const listeners = new Map<string, (stream: Duplex) => void>();
  let cut: SandboxLife | undefined;

  const wrapped = (sandbox: Sandbox): Sandbox => ({
    id: sandbox.id,
    ref: sandbox.ref,
    ended: sandbox.ended,
    async accept(channel, onStream) {
      if (channel === "runner") listeners.set(sandbox.id, onStream);
      return sandbox.accept(channel, (stream) => {
        if (cut !== undefined) return void stream.destroy();
        streams.add(stream);
        stream.on("close", () => streams.delete(stream));
        onStream(stream);
      });
    },
    exec: (...given) => sandbox.exec(...given),
    readFile: (...given) => sandbox.readFile(...given),
    writeFile: (...given) => sandbox.writeFile(...given),
    status: async () => cut ?? sandbox.status(),
    terminate: () => (cut === "gone" ? Promise.resolve() : sandbox.terminate()),
    release: () => sandbox.release(),
  });

  return {
    provider: {
      ...real,
      create: async (...given) => wrapped(await real.create(...given)),
      async attach(ref) {
        if (cut === "unreachable") throw new Error("no route to the provider");
        const sandbox = await real.attach(ref);
        return sandbox === null ? null : wrapped(sandbox);
      },
    },
    cut(life) {
      cut = life;
      for (const stream of streams) stream.destroy();
    },
    restore() {
      cut = undefined;
    },
    deliver: (sandboxId, stream) => listeners.get(sandboxId)?.(stream),
  };
}
