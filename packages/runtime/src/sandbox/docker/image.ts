import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { ImageInspectOptions } from "dockerode";
import { unlessMissing } from "./engine.ts";
import type { Engine } from "./engine.ts";
import { NEEDS } from "./remedy.ts";

/** `missing`: fetched from its registry where the engine has it not; `never`: then `create` says how to fetch it. */
export type PullPolicy = "missing" | "never";

export interface ImageWish {
  readonly image: string;
  readonly pull: PullPolicy;
}

const TELL_EVERY_MS = 1000;

/** Makes sure that the engine has the image, and answers its id. */
export async function ensureImage(
  engine: Engine,
  { image, pull }: ImageWish,
  { signal, onProgress }: { signal: AbortSignal; onProgress: (message: string) => void },
): Promise<string> {
  const found = await imageId(engine, image, signal);
  if (found !== null) return found;
  if (pull === "never") throw missing(image, "and it is not to be fetched by itself");
  onProgress(`Fetching the image ${image}`);
  try {
    await fetchImage(engine, image, { signal, onProgress });
  } catch (error) {
    signal.throwIfAborted();
    throw missing(image, `and fetching it failed: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  const fetched = await imageId(engine, image, signal);
  if (fetched === null) throw missing(image, "also after it was fetched");
  return fetched;
}

/** null: the engine has it not. */
export async function imageId(engine: Engine, image: string, signal?: AbortSignal): Promise<string | null> {
  const found = await unlessMissing(
    engine.call(
      // The package's types do not know that it takes the signal here too.
      (docker, abortSignal) => docker.getImage(image).inspect({ abortSignal } as ImageInspectOptions),
      signal === undefined ? {} : { signal },
    ),
  );
  return found?.Id ?? null;
}

/** The `PATH` of an image's programs. */
export async function imagePath(engine: Engine, image: string): Promise<string> {
  const { Config } = await engine.call((docker) => docker.getImage(image).inspect());
  const found = Config.Env?.find((variable) => variable.startsWith("PATH="));
  return found?.slice("PATH=".length) ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

async function fetchImage(
  engine: Engine,
  image: string,
  { signal, onProgress }: { signal: AbortSignal; onProgress: (message: string) => void },
): Promise<void> {
  await engine.call(
    async (docker, abortSignal) => {
      const stream = await docker.pull(image, { abortSignal });
      const layers = new Map<string, string>();
      let told = performance.now();
      const note = (event: unknown): void => {
        const { id, status } = event as { id?: string; status?: string };
        if (id !== undefined && status !== undefined) layers.set(id, status);
        if (performance.now() - told < TELL_EVERY_MS) return;
        told = performance.now();
        const done = [...layers.values()].filter((state) => /complete|exists/i.test(state)).length;
        onProgress(`Fetching the image ${image}: ${done} of ${layers.size} layers`);
      };
      // Ends with the error that stands in the stream, too.
      await new Promise<void>((resolve, reject) => {
        docker.modem.followProgress(stream, (error) => (error === null ? resolve() : reject(error)), note);
      });
    },
    { timeoutMs: null, signal },
  );
}

function missing(image: string, why: string, cause?: unknown): RuntimeError {
  return new RuntimeError(
    "sandbox_unavailable",
    `This engine has no image ${image}, ${why}. Run: docker pull ${image}. Or choose another one: the option image, or --docker-image. ${NEEDS}`,
    { cause },
  );
}
