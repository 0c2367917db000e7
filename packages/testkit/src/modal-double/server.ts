import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Server } from "nice-grpc";
import { Apps, appHandlers } from "./apps.ts";
import type { BuildOptions } from "./build.ts";
import { NPM_SCRIPT } from "./bubblewrap.ts";
import { type ControlTarget, startControlServer } from "./control-server.ts";
import { Faults, faultMiddleware } from "./faults.ts";
import { CallLog, makeGrpcServer } from "./grpc.ts";
import { Images, imageHandlers } from "./images.ts";
import { removeLimitGroups } from "./limits.ts";
import { reportOf } from "./report.ts";
import { routerHandlers } from "./router.ts";
import { sandboxHandlers } from "./sandbox-handlers.ts";
import { Sandboxes } from "./sandboxes.ts";
import { type ControlHandlers, type SdkDefinitions, loadSdkDefinitions } from "./sdk.ts";
import { Secrets, secretHandlers } from "./secrets.ts";
import { CONTROL_PLANE, type Credentials, Tokens, tokenMiddleware } from "./tokens.ts";
import { makeBaseTree } from "./tree.ts";

export interface ModalDoubleServerOptions extends Credentials, Pick<BuildOptions, "packages" | "network"> {
  /** A free one with 0. */
  readonly port: number;
}

export interface ModalDoubleServer {
  readonly url: string;
  readonly controlUrl: string;
  /** Everything that the double has on disk. */
  readonly folder: string;
  /** Ends every sandbox, and takes everything away. */
  stop(): Promise<void>;
}

/** The double, in this process. Rejects where the SDK is missing, or the port is taken. */
export async function startModalDoubleServer(options: ModalDoubleServerOptions): Promise<ModalDoubleServer> {
  const sdk = await loadSdkDefinitions();
  const folder = await mkdtemp(join(tmpdir(), "modal-double-"));
  const removeFolder = (): Promise<void> => rm(folder, { recursive: true, force: true, maxRetries: 3 });
  try {
    const world = await makeWorld(folder, options);
    const streams = new StreamBreaker();
    const { server, url } = await listen({ sdk, world, streams, port: options.port });
    const control = await startControlServer(controlTarget(world, streams));
    return {
      url,
      controlUrl: control.url,
      folder,
      async stop() {
        server.forceShutdown();
        await control.stop();
        await world.sandboxes.endAll();
        await removeLimitGroups(basename(folder));
        await removeFolder();
      },
    };
  } catch (error) {
    await removeFolder();
    throw error;
  }
}

interface Listening {
  readonly sdk: SdkDefinitions;
  readonly world: World;
  readonly streams: StreamBreaker;
  readonly port: number;
}

async function listen({ sdk, world, streams, port }: Listening): Promise<{ server: Server; url: string }> {
  let url = "";
  // The SDK wants `https:` here, and dials it without TLS since the cloud's own address is on loopback.
  const routerAccess = (taskId: string) => ({ url: url.replace("http:", "https:"), jwt: world.tokens.give(taskId) });
  const controlPlane: ControlHandlers = {
    authTokenGet: async () => ({ token: world.tokens.give(CONTROL_PLANE) }),
    ...appHandlers(world.apps),
    ...secretHandlers(world.secrets),
    ...imageHandlers(world.images),
    ...sandboxHandlers({ ...world, routerAccess }),
  };
  const server = makeGrpcServer({
    log: world.log,
    middleware: [faultMiddleware(world.faults, sdk), tokenMiddleware(world.tokens)],
    services: [
      { definition: sdk.ModalClientDefinition, handlers: controlPlane },
      { definition: sdk.TaskCommandRouterDefinition, handlers: routerHandlers({ ...world, breaking: streams.signal }) },
    ],
  });
  url = `http://127.0.0.1:${await server.listen(`127.0.0.1:${port}`)}`;
  return { server, url };
}

/** Everything that the double keeps. */
export interface World {
  readonly apps: Apps;
  readonly secrets: Secrets;
  readonly images: Images;
  readonly sandboxes: Sandboxes;
  readonly tokens: Tokens;
  readonly faults: Faults;
  readonly log: CallLog;
}

async function makeWorld(folder: string, options: ModalDoubleServerOptions): Promise<World> {
  const npm = Object.keys(options.packages).length === 0 ? null : NPM_SCRIPT;
  const base = await makeBaseTree({ folder: join(folder, "base"), npm });
  const [apps, secrets] = [new Apps(), new Secrets()];
  const group = basename(folder);
  const images = new Images({ ...options, group, folder: join(folder, "images"), base, secrets });
  await mkdir(join(folder, "sandboxes"));
  const sandboxes = new Sandboxes({ apps, images, secrets, folder: join(folder, "sandboxes"), group });
  return { apps, secrets, images, sandboxes, tokens: new Tokens(options), faults: new Faults(), log: new CallLog() };
}

/** Breaks every stream that is open. */
class StreamBreaker {
  #abort = new AbortController();
  readonly signal = (): AbortSignal => this.#abort.signal;

  break(): void {
    this.#abort.abort();
    this.#abort = new AbortController();
  }
}

function controlTarget(world: World, streams: StreamBreaker): ControlTarget {
  const { faults, sandboxes, tokens } = world;
  return async (request) => {
    switch (request.do) {
      case "inject":
        return faults.add(request.fault);
      case "clear":
        return faults.clear();
      case "vanish":
        return sandboxes.vanish(request.sandboxId);
      case "break-streams":
        return streams.break();
      case "revoke-credentials":
        tokens.revoked = request.revoked;
        return;
      case "token-lifetime":
        tokens.lifetimeSeconds = request.seconds;
        return;
      case "report":
        return reportOf(world);
    }
  };
}
