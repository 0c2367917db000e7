import { setTimeout as sleep } from "node:timers/promises";
import { type ServerMiddleware, Status } from "nice-grpc";
import type { InjectedFault } from "./control-schema.ts";
import { type SdkDefinitions, refuse } from "./sdk.ts";

type StreamName = "stdin" | "stdout" | "stderr";

/** The faults that were asked for, and have not passed yet. */
export class Faults {
  #faults: (InjectedFault & { left: number })[] = [];

  add(fault: InjectedFault): void {
    this.#faults.push({ ...fault, left: fault.times });
  }

  clear(): void {
    this.#faults = [];
  }

  get size(): number {
    return this.#faults.length;
  }

  /** The first fault of this kind for the method: it has been met once more. */
  take<K extends "fail" | "lose-reply" | "delay">(kind: K, method: string): Extract<InjectedFault, { kind: K }> | null {
    const meets = (fault: InjectedFault): fault is Extract<InjectedFault, { kind: K }> & { left: number } =>
      fault.kind === kind &&
      "method" in fault &&
      (fault.method === method || (fault.method === "*" && method !== "AuthTokenGet"));
    const fault = this.#faults.find(meets);
    if (fault !== undefined) this.#met(fault);
    return fault ?? null;
  }

  /** How many of the next `length` bytes of a stream, from `offset` on, pass before it must break; null: all. */
  cut(
    stream: { name: StreamName; command: string },
    { offset, length }: { offset: number; length: number },
  ): number | null {
    const fault = this.#faults.find(
      (fault) =>
        fault.kind === "drop-stream" &&
        fault.stream === stream.name &&
        stream.command.includes(fault.command ?? "") &&
        fault.offset >= offset &&
        fault.offset < offset + length,
    );
    if (fault?.kind !== "drop-stream") return null;
    this.#met(fault);
    return fault.offset - offset;
  }

  #met(fault: InjectedFault & { left: number }): void {
    fault.left -= 1;
    if (fault.left <= 0) this.#faults = this.#faults.filter((other) => other !== fault);
  }
}

/** Lets calls fail, wait, or lose their replies, as was asked for. */
export function faultMiddleware(faults: Faults, sdk: SdkDefinitions): ServerMiddleware {
  return async function* (call, context) {
    const method = call.method.path.slice(call.method.path.lastIndexOf("/") + 1);
    const delay = faults.take("delay", method);
    if (delay !== null) await sleep(delay.ms, undefined, { signal: context.signal });
    const failure = faults.take("fail", method);
    if (failure !== null) {
      if (failure.retryAfterSeconds !== undefined) {
        context.trailer.set("grpc-status-details-bin", retryPolicy(sdk, failure.retryAfterSeconds));
      }
      throw refuse(Status[failure.code], failure.message);
    }
    const reply = yield* call.next(call.request, context);
    const lost = faults.take("lose-reply", method);
    if (lost === null) return reply;
    if (lost.hang) await sleep(2 ** 31 - 1, undefined, { signal: context.signal });
    throw refuse(Status.DEADLINE_EXCEEDED, "injected by the double: done, and the reply was lost");
  };
}

/** How Modal asks a client to wait: a status with a retry policy in the trailers. */
function retryPolicy({ RPCStatus, RPCRetryPolicy }: SdkDefinitions, retryAfterSecs: number): Uint8Array {
  const value = RPCRetryPolicy.encode(RPCRetryPolicy.create({ retryAfterSecs })).finish();
  const typeUrl = "type.googleapis.com/modal.client.RPCRetryPolicy";
  const status = { code: Status.RESOURCE_EXHAUSTED, message: "throttled", details: [{ typeUrl, value }] };
  return Buffer.from(RPCStatus.encode(RPCStatus.create(status)).finish());
}
