import { registerHooks } from "node:module";
import type { ContainerProcess, ModalClient } from "modal";
import { type CallContext, ServerError, type Status } from "nice-grpc";

/** The SDK's own client of the control plane: its requests and replies are the double's. */
export type ControlPlane = ModalClient["cpClient"];
/** The SDK's client of the task command router, which it does not export. */
type Router = ConstructorParameters<typeof ContainerProcess>[2];

type Partially<T> = T extends Uint8Array
  ? T
  : T extends readonly (infer U)[]
    ? readonly Partially<U>[]
    : T extends object
      ? { readonly [K in keyof T]?: Partially<T[K]> }
      : T;

export type RequestOf<M extends keyof ControlPlane> = Parameters<ControlPlane[M]>[0];
export type ReplyOf<M extends keyof ControlPlane> =
  ReturnType<ControlPlane[M]> extends AsyncIterable<infer R>
    ? AsyncIterable<Partially<R>>
    : Promise<Partially<Awaited<ReturnType<ControlPlane[M]>>>>;
export type ControlHandlers = {
  readonly [M in keyof ControlPlane]?: (request: RequestOf<M>, context: CallContext) => ReplyOf<M>;
};

export type ExecStartRequest = Partially<Parameters<Router["execStart"]>[0]>;
export type SnapshotFilesystemRequest = Partially<Parameters<Router["snapshotFilesystem"]>[0]>;
export type SetNetworkAccessRequest = Partially<Parameters<Router["setNetworkAccess"]>[0]>;
export type SandboxDefinition = NonNullable<RequestOf<"sandboxCreateV2">["definition"]>;
export type GenericResult = NonNullable<Awaited<ReturnType<ControlPlane["sandboxWait"]>>["result"]>;
export type SecretSources = NonNullable<RequestOf<"sandboxCreateV2">["secretSources"]>;

const STATUS = { success: 1, failure: 2, terminated: 3, timeout: 4, idleTimeout: 7 } as const;

/** How a sandbox, or the build of an image, ended: as a partial message. */
export function makeResult(
  status: keyof typeof STATUS,
  rest: { exitcode?: number; exception?: string },
): Partial<GenericResult> {
  return Object.assign<Partial<GenericResult>, object>(rest, { status: STATUS[status] });
}

/** A service as ts-proto generates it, as far as the double looks into it. */
export interface ServiceDefinition {
  readonly name: string;
  readonly fullName: string;
  readonly methods: Readonly<Record<string, MethodDefinition>>;
}

interface MethodDefinition {
  readonly name: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

interface MessageType {
  readonly create: (value: object) => object;
  readonly encode: (value: object) => { finish(): Uint8Array };
}

export interface SdkDefinitions {
  readonly ModalClientDefinition: ServiceDefinition;
  readonly TaskCommandRouterDefinition: ServiceDefinition;
  readonly RPCStatus: MessageType;
  readonly RPCRetryPolicy: MessageType;
}

const MARK = "?definitions";

/**
 * The generated definitions inside the installed SDK. They are not exported: the SDK's text is loaded a second time, with
 * a line at its end that exports them. So what the double takes and gives is what this SDK takes for Modal's.
 */
export async function loadSdkDefinitions(): Promise<SdkDefinitions> {
  const address = import.meta.resolve("modal") + MARK;
  const names = "ModalClientDefinition, TaskCommandRouterDefinition, RPCStatus, RPCRetryPolicy";
  const hooks = registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      if (!url.endsWith(MARK)) return loaded;
      const { source } = loaded;
      const text = typeof source === "string" ? source : Buffer.from(source as Uint8Array).toString();
      return { ...loaded, source: `${text}\nexport { ${names} };\n` };
    },
  });
  try {
    return (await import(address)) as SdkDefinitions;
  } finally {
    hooks.deregister();
  }
}

/** Whether a field of a message has the value that it has when nothing was said. Messages of such fields count too. */
export function isUnset(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.values(value).every(isUnset);
  return value === undefined || value === null || value === "" || value === 0 || value === false;
}

export function refuse(code: Status, message: string): ServerError {
  return new ServerError(code, message);
}
