import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type CallContext, Status } from "nice-grpc";
import { type BuildOptions, buildImage } from "./build.ts";
import { makeId } from "./ids.ts";
import type { Image } from "./image.ts";
import { type ControlHandlers, type GenericResult, type RequestOf, isUnset, makeResult, refuse } from "./sdk.ts";
import type { Secrets } from "./secrets.ts";
import { type Tree, copyTree } from "./tree.ts";

interface Build {
  readonly id: string;
  readonly key: string;
  readonly commands: readonly string[];
  log: string;
  state: "building" | "built" | "failed";
  image: Image | null;
  readonly done: Promise<void>;
}

export interface ImagesOptions extends BuildOptions {
  readonly folder: string;
  readonly base: Tree;
  readonly secrets: Secrets;
}

/** Images, each built once for its content. A failed build is tried again when it is asked for again, as in the cloud. */
export class Images {
  readonly #builds = new Map<string, Build>();
  readonly #options: ImagesOptions;

  constructor(options: ImagesOptions) {
    this.#options = options;
  }

  /** Throws NOT_FOUND; FAILED_PRECONDITION when it is not built. */
  get(id: string): Image {
    const build = this.build(id);
    if (build.image === null) throw refuse(Status.FAILED_PRECONDITION, `Image ${id} is not built`);
    return build.image;
  }

  build(id: string): Build {
    const build = this.#builds.get(id);
    if (build === undefined) throw refuse(Status.NOT_FOUND, `Could not find image with ID ${id}`);
    return build;
  }

  all(): readonly Build[] {
    return [...this.#builds.values()];
  }

  getOrCreate(request: RequestOf<"imageGetOrCreate">): Build {
    const image = request.image ?? {};
    const [from = "", ...commands] = [...(image.dockerfileCommands ?? [])];
    if (!/^FROM\s+\S+/u.test(from)) throw refuse(Status.INVALID_ARGUMENT, "An image begins with FROM");
    refuseFields(image);
    const secrets = this.#options.secrets.merge([...(image.secretIds ?? [])]);
    const baseId = image.baseImages?.[0]?.imageId;
    const key = digest([from, commands, secrets, baseId ?? "", request.builderVersion ?? ""]);
    const known = this.all().findLast((build) => build.key === key && build.state !== "failed");
    if (known !== undefined && request.forceBuild !== true) return known;
    const base = baseId === undefined || baseId === "" ? this.#fromRegistry() : this.get(baseId);
    return this.#start({ key, commands, secrets, base });
  }

  /** Every tag of a registry stands for the same: this machine's programs. */
  #fromRegistry(): Omit<Image, "id"> {
    return { tree: this.#options.base, environment: {}, workdir: "/" };
  }

  #start(
    what: Pick<Build, "key" | "commands"> & { base: Omit<Image, "id">; secrets: Readonly<Record<string, string>> },
  ): Build {
    const { key, commands, base, secrets } = what;
    const id = makeId("im");
    const folder = join(this.#options.folder, id);
    const done = Promise.withResolvers<void>();
    const build: Build = { id, key, commands, log: "", state: "building", image: null, done: done.promise };
    this.#builds.set(id, build);
    const log = (text: string): void => {
      build.log = (build.log + text).slice(-1_000_000);
    };
    const work = async (): Promise<void> => {
      await mkdir(folder, { recursive: true });
      build.image =
        commands.length === 0
          ? { ...base, id }
          : await buildImage({ id, base, commands, secrets, folder, log }, this.#options);
    };
    work()
      .then(
        () => (build.state = "built"),
        (error: unknown) => {
          build.state = "failed";
          log(`Terminating task due to error: ${error instanceof Error ? error.message : String(error)}\n`);
        },
      )
      .finally(() => done.resolve());
    return build;
  }

  /** A copy of a running sandbox's file system. */
  async snapshot(tree: Tree, like: Image): Promise<string> {
    const id = makeId("im");
    const copy = await copyTree(tree, join(this.#options.folder, id, "tree"));
    const image = { ...like, id, tree: copy };
    this.#builds.set(id, { id, key: id, commands: [], log: "", state: "built", image, done: Promise.resolve() });
    return id;
  }

  delete(id: string): void {
    this.build(id);
    this.#builds.delete(id);
  }
}

const UNDERSTOOD = new Set(["dockerfileCommands", "baseImages", "secretIds"]);

/** What the double would silently leave out is refused. */
function refuseFields(image: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(image)) {
    if (!UNDERSTOOD.has(name) && !isUnset(value))
      throw refuse(Status.UNIMPLEMENTED, `The double's images do not know ${name}`);
  }
}

function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}

function resultOf({ id, state }: Build): Partial<GenericResult> | undefined {
  if (state === "building") return undefined;
  if (state === "built") return makeResult("success", {});
  // The SDK shows this text alone; what the command said is in the stream of the build's log.
  return makeResult("failure", { exception: `Image build for ${id} failed. See build logs for more details` });
}

export function imageHandlers(images: Images): ControlHandlers {
  return {
    async imageGetOrCreate(request) {
      const build = images.getOrCreate(request);
      return { imageId: build.id, result: resultOf(build) };
    },
    imageJoinStreaming: ({ imageId = "", timeout = 55 }, context) =>
      joinBuild(images.build(imageId), { timeout, context }),
    async imageFromId({ imageId = "" }) {
      return { imageId: images.get(imageId).id };
    },
    async imageDelete({ imageId = "" }) {
      images.delete(imageId);
      return {};
    },
  };
}

/** The log so far at the end of the build, or of the time; then its result, if there is one. */
async function* joinBuild(build: Build, { timeout, context }: { timeout: number; context: CallContext }) {
  const timer = Promise.withResolvers<void>();
  const clock = setTimeout(timer.resolve, timeout * 1000);
  context.signal.addEventListener("abort", () => timer.resolve(), { once: true });
  await Promise.race([build.done, timer.promise]);
  clearTimeout(clock);
  if (build.log !== "") yield { taskLogs: [{ data: build.log, fileDescriptor: 1 }], entryId: "1-0" };
  const result = resultOf(build);
  if (result !== undefined) yield { result, eof: true };
}
