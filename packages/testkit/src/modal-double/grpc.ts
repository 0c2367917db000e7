import { type Server, ServerError, type ServerMiddleware, Status, createServer } from "nice-grpc";
import { type ServiceDefinition, refuse } from "./sdk.ts";

/** Which methods were called. */
export class CallLog {
  readonly #counts = new Map<string, number>();
  readonly #unknown = new Set<string>();

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  get unknown(): readonly string[] {
    return [...this.#unknown];
  }

  count(method: string): void {
    this.#counts.set(method, (this.#counts.get(method) ?? 0) + 1);
  }

  noteUnknown(method: string): void {
    this.#unknown.add(method);
  }
}

type Handler = (request: never, context: never) => unknown;

export interface GrpcOptions {
  readonly log: CallLog;
  readonly middleware: readonly ServerMiddleware[];
  readonly services: readonly {
    definition: ServiceDefinition;
    handlers: Readonly<Record<string, Handler | undefined>>;
  }[];
}

/** As much as the SDK takes. */
const LARGEST_MESSAGE = 100 * 1024 * 1024;

/** A server of all services. A method without a handler is UNIMPLEMENTED, and noted. */
export function makeGrpcServer({ log, middleware, services }: GrpcOptions): Server {
  let server = createServer({
    "grpc.max_receive_message_length": LARGEST_MESSAGE,
    "grpc.max_send_message_length": LARGEST_MESSAGE,
  }).use(logging(log));
  for (const each of middleware) server = server.use(each);
  for (const { definition, handlers } of services) {
    const complete = Object.entries(definition.methods).map(([key, { name }]) => [
      key,
      handlers[key] ?? unknown(name, log),
    ]);
    server.add(definition as never, Object.fromEntries(complete) as never);
  }
  return server;
}

function unknown(name: string, log: CallLog): Handler {
  return () => {
    log.noteUnknown(name);
    throw refuse(Status.UNIMPLEMENTED, `The double does not have ${name}`);
  };
}

function logging(log: CallLog): ServerMiddleware {
  return async function* (call, context) {
    log.count(call.method.path.slice(call.method.path.lastIndexOf("/") + 1));
    try {
      return yield* call.next(call.request, context);
    } catch (error) {
      if (error instanceof ServerError || context.signal.aborted) throw error;
      // As UNKNOWN, the SDK would try again and again.
      throw refuse(Status.FAILED_PRECONDITION, `The double failed: ${String(error)}`);
    }
  };
}
