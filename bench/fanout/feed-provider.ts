import type { Sandbox, SandboxProvider } from "@hhopkins/agent-runtime";
import { startFeed } from "./feed-process.ts";

/** Sandboxes that are none: a feed stands where the runner stands. */
export function feedProvider(): SandboxProvider {
  return {
    name: "feed",
    create: ({ key, tags }) => startSandbox(key, tags.generation),
    attach: async () => null,
    list: async () => [],
  };
}

async function startSandbox(key: string, generation: string): Promise<Sandbox> {
  type OnStream = Parameters<Sandbox["accept"]>[1];
  let onStream: OnStream | undefined;
  const waiting: Parameters<OnStream>[0][] = [];
  const feed = await startFeed(generation, (stream) => {
    if (onStream === undefined) waiting.push(stream);
    else onStream(stream);
  });
  return {
    id: key,
    ref: { pid: feed.pid },
    async accept(channel, listener) {
      if (channel === "runner") {
        onStream = listener;
        for (const stream of waiting.splice(0)) listener(stream);
      }
      return { close: async () => undefined };
    },
    exec: unsupported,
    readFile: unsupported,
    writeFile: unsupported,
    status: async () => "running",
    ended: feed.ended.then(() => ({ reason: "the feed ended" })),
    terminate: () => feed.end(),
    release: async () => undefined,
  };
}

async function unsupported(): Promise<never> {
  throw new Error("a feed runs no programs and has no files");
}
