import { createHash } from "node:crypto";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type * as ModalSdk from "modal";
import { z } from "zod";
import type { MountOptions } from "../environment-mounts.ts";
import type { SandboxProvider, SandboxRef, SandboxSpec, SandboxTags } from "../port.ts";
import { byKey, checkSpec } from "../sandbox-key.ts";
import { lazyModal } from "./client.ts";
import { createParams, sandboxName } from "./create-params.ts";
import { unlessLate } from "./deadline.ts";
import { buildImage, imageLayers } from "./image.ts";
import { ModalSandbox } from "./modal-sandbox.ts";
import { checkedOptions, leaveAfterMs } from "./options.ts";
import type { ModalSandboxOptions } from "./options.ts";
import { isNotFound, isRefused, isTaken } from "./remedy.ts";
import { unlessThrottled } from "./retry.ts";

export type { ModalSandboxOptions } from "./options.ts";

const Ref = z.object({ provider: z.literal("modal"), id: z.string().min(1).max(200), moveAfter: z.number() });
const Tags = z.object({
  deployment: z.string(),
  tenant: z.string(),
  session: z.string(),
  generation: z.string(),
  key: z.string(),
  moveAfter: z.coerce.number(),
});
type Tags = z.infer<typeof Tags>;

/** For the image and the place of a sandbox, where the caller sets no shorter time. */
const CREATE_MS = 15 * 60_000;
/** While a sandbox of the name is just ending, another one cannot have it. */
const MOST_TRIES = 3;
/** Tags are asked for one sandbox at a time; so many at once. */
const LOOKUPS = 16;

interface PreparedImage {
  readonly app: ModalSdk.App;
  readonly image: ModalSdk.Image;
  readonly forget: () => void;
}

/**
 * Sandboxes in Modal's cloud, through its SDK (`npm install modal@0.11.1`). They outlive the server. Without a network of
 * their own, unless `allowedHosts` says so: runner and gateway are reached through a program in the sandbox that the
 * server starts there. Throws `invalid_configuration`; `create`, `attach` and `list` throw `sandbox_credentials`,
 * `sandbox_unavailable`, `missing_dependency`, and `create` `environment_failed`.
 */
export function modalSandbox(given: ModalSandboxOptions): SandboxProvider {
  const options = checkedOptions(given);
  const { requestTimeoutMs } = options;
  const modal = lazyModal(options);
  const held = new Map<string, ModalSandbox>();
  const images = new Map<string, Promise<ModalSdk.Image>>();
  const alone = byKey();
  const random = Math.random;
  const request = <T>(ask: (client: ModalSdk.ModalClient) => Promise<T>, signal?: AbortSignal): Promise<T> =>
    unlessThrottled(() => modal.request(ask, signal), { random, ...(signal === undefined ? {} : { signal }) });

  async function hold(sdk: ModalSdk.Sandbox, moveAfter: number): Promise<ModalSandbox> {
    const { client } = await modal.connection();
    const handle = await client.sandboxes.fromId(sdk.sandboxId);
    const known = held.get(sdk.sandboxId);
    if (known !== undefined) return known;
    const sandbox: ModalSandbox = new ModalSandbox({
      sdk,
      handle,
      ref: { provider: "modal", id: sdk.sandboxId, moveAfter },
      moveAfter,
      requestTimeoutMs,
      pollMs: options.pollMs,
      random,
      onForget: () => {
        if (held.get(sdk.sandboxId) === sandbox) held.delete(sdk.sandboxId);
      },
    });
    held.set(sdk.sandboxId, sandbox);
    return sandbox;
  }

  /** The running sandbox of that key; null: there is none. */
  async function find(spec: SandboxSpec): Promise<ModalSandbox | null> {
    const name = sandboxName(spec.tags.deployment, spec.key);
    try {
      const sdk = await request((client) => client.sandboxes.fromName(options.appName, name));
      if ((await request(() => sdk.poll())) !== null) return null;
      const { moveAfter } = Tags.parse(await request(() => sdk.getTags()));
      return await hold(sdk, moveAfter);
    } catch (error) {
      if (isGone(error)) return null;
      throw error;
    }
  }

  /** One build for each content, however many sessions wait for it; also when the first of them gives up. */
  async function imageFor(
    wanted: Pick<SandboxSpec, "runner" | "install">,
    { signal, onProgress }: MountOptions,
  ): Promise<PreparedImage> {
    const layers = await imageLayers(wanted);
    const hash = createHash("sha256").update(JSON.stringify(layers)).digest("hex");
    const [connection, app] = await Promise.all([modal.connection(), modal.app(signal)]);
    let building = images.get(hash);
    if (building === undefined) {
      building = buildImage(layers, { connection, app, base: options.image, onProgress });
      images.set(hash, building);
      building.catch(() => images.delete(hash));
    }
    const image = await unlessLate(building, { timeoutMs: CREATE_MS, signal });
    return { app, image, forget: () => void images.delete(hash) };
  }

  async function start(spec: SandboxSpec, image: PreparedImage, signal: AbortSignal) {
    const moveAfter = Date.now() + leaveAfterMs(options.timeoutMs);
    const params = createParams(spec, options, moveAfter);
    const { client } = await modal.connection();
    const ask = (): Promise<ModalSdk.Sandbox> =>
      unlessLate(client.sandboxes.create(image.app, image.image, params), {
        timeoutMs: CREATE_MS,
        signal,
        // Nobody waits for it any more.
        onLate: (sdk) => void sdk.terminate().catch(() => undefined),
      });
    return hold(await unlessThrottled(ask, { random, signal }), moveAfter);
  }

  /** A creation that was given up may have been done, or be done yet. */
  function endLater(spec: SandboxSpec): void {
    void alone(spec.key, async () => (await find(spec))?.terminate()).catch(() => undefined);
  }

  async function create(spec: SandboxSpec, signal: AbortSignal, onProgress: (message: string) => void) {
    onProgress("Preparing the image on Modal");
    const image = await imageFor(spec, { signal, onProgress });
    signal.throwIfAborted();
    onProgress("Starting the sandbox on Modal");
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await start(spec, image, signal);
      } catch (error) {
        // The image may be the reason: it is looked up anew.
        image.forget();
        if (signal.aborted) endLater(spec);
        const cause = error instanceof RuntimeError ? error.cause : error;
        if (signal.aborted || cause === undefined || isRefused(cause) || attempt >= MOST_TRIES) throw error;
        // It may be there all the same: another server's, or one whose creation was told as failed.
        const found = await find(spec).catch(() => null);
        if (found !== null) return found;
        if (!isTaken(cause)) throw error;
      }
    }
  }

  return {
    name: "modal",
    place: "anywhere",
    remote: true,
    async create(spec, { signal, onProgress }) {
      checkSpec(spec);
      return alone(spec.key, async () => {
        signal.throwIfAborted();
        return create(spec, signal, onProgress);
      });
    },
    async prepare(wanted, { signal, onProgress }) {
      onProgress("Preparing the image on Modal");
      await imageFor(wanted, { signal, onProgress });
    },
    async attach(ref) {
      const { data } = Ref.safeParse(ref);
      if (data === undefined)
        throw new RuntimeError("internal", "This is not a reference of the sandbox provider modal");
      const known = held.get(data.id);
      if (known !== undefined) return (await known.status()) === "gone" ? null : known;
      try {
        const sdk = await request((client) => client.sandboxes.fromId(data.id));
        return (await request(() => sdk.poll())) === null ? await hold(sdk, data.moveAfter) : null;
      } catch (error) {
        if (isGone(error)) return null;
        throw error;
      }
    },
    async list({ deployment }) {
      const app = await modal.app();
      const running = await request((client) => all(client.sandboxes.list({ appId: app.appId, tags: { deployment } })));
      const found = await inTurns(running, LOOKUPS, async (sdk) => {
        const tags = await tagsOf(sdk);
        return tags?.deployment === deployment ? { ref: refOf(sdk, tags), tags: portTags(tags) } : null;
      });
      return found.filter((each) => each !== null);
    },
    async close() {
      await Promise.all([...held.values()].map((sandbox) => sandbox.release()));
      await modal.close();
    },
  };

  /** null: it is gone since, or not ours. */
  async function tagsOf(sdk: ModalSdk.Sandbox): Promise<Tags | null> {
    try {
      return Tags.safeParse(await request(() => sdk.getTags())).data ?? null;
    } catch (error) {
      if (isGone(error)) return null;
      throw error;
    }
  }
}

function isGone(error: unknown): boolean {
  return isNotFound(error) || (error instanceof RuntimeError && isNotFound(error.cause));
}

function refOf(sdk: ModalSdk.Sandbox, { moveAfter }: Tags): SandboxRef {
  return { provider: "modal", id: sdk.sandboxId, moveAfter };
}

function portTags({ deployment, tenant, session, generation }: Tags): SandboxTags {
  return { deployment, tenant, session, generation };
}

async function all<T>(from: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const each of from) found.push(each);
  return found;
}

/** Keeps the order; at most `width` at once. */
async function inTurns<T, R>(items: readonly T[], width: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += width) {
    results.push(...(await Promise.all(items.slice(at, at + width).map(work))));
  }
  return results;
}
