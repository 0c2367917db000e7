import type { Duplex } from "node:stream";
import { createLineSplitter, encodeLine, RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { InstallReport, type InstallRequest } from "@hhopkins/agent-runtime-runner/install";
import type { MountOptions } from "../environment-mounts.ts";
import type { EnvironmentSpec, Sandbox } from "../port.ts";

/** Longest line that a sandbox may say; a report is shorter. */
const MAX_LINE_BYTES = 64 * 1024;
/** What is shown of a tool's line while it works. */
const SHOWN_CHARS = 160;

/**
 * Lets a sandbox that runs the installer set up `install`, which it finds at its environment's path. Nothing that it
 * says is trusted: the worst it can do is to claim that it is done. Throws `environment_failed` with the tool's last
 * lines, and whatever `signal` was aborted with.
 */
export async function installIn(
  sandbox: Pick<Sandbox, "accept" | "ended">,
  install: EnvironmentSpec,
  { signal, onProgress }: MountOptions,
): Promise<void> {
  const spoken = Promise.withResolvers<Duplex>();
  const gateway = await sandbox.accept("gateway", (stream) => install.proxy.serve(stream));
  const runner = await sandbox.accept("runner", (stream) => spoken.resolve(stream));
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  const gone = sandbox.ended.then(({ reason }) => {
    throw new RuntimeError("environment_failed", `The sandbox that installs has ended: ${reason}`);
  });
  const work = async (): Promise<void> => {
    const stream = await spoken.promise;
    stream.write(encodeLine(requestOf(install)));
    await follow(stream, onProgress);
  };
  try {
    signal.throwIfAborted();
    await Promise.race([work(), gone, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
    // Whoever lost the race may still fail.
    gone.catch(() => undefined);
    aborted.promise.catch(() => undefined);
    await Promise.all([gateway.close(), runner.close()]);
  }
}

function requestOf({ npm, pip, projects, registries }: EnvironmentSpec): InstallRequest {
  return {
    npm: [...npm],
    pip: [...pip],
    projects: projects.map(({ name, installCommand }) => ({ name, installCommand })),
    registries,
  };
}

async function follow(stream: Duplex, onProgress: (message: string) => void): Promise<void> {
  let step = "Installing";
  for await (const report of reportsOf(stream)) {
    switch (report.type) {
      case "step":
        step = report.label;
        onProgress(step);
        break;
      case "output":
        onProgress(`${step}: ${report.line.slice(0, SHOWN_CHARS)}`);
        break;
      case "failed":
        throw new RuntimeError("environment_failed", report.message);
      case "done":
        return;
    }
  }
  throw new RuntimeError("environment_failed", `${step} broke off.`);
}

/** What is no report ends it: nothing of it can be relied on. */
async function* reportsOf(stream: Duplex): AsyncGenerator<InstallReport> {
  const splitter = createLineSplitter({ maxBytes: MAX_LINE_BYTES });
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      for (const line of splitter.push(chunk)) yield InstallReport.parse(JSON.parse(line));
    }
  } catch (cause) {
    throw new RuntimeError(
      "environment_failed",
      "The sandbox that installs broke off, or said what no installer says.",
      {
        cause,
      },
    );
  }
}
