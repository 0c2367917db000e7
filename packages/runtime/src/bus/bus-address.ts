import { RuntimeError } from "@hhopkins/agent-runtime-protocol";

/** Longest text that the buses carry which have a choice: a thousand sessions' tails, and no burden to anybody. */
export const BUS_TEXT_BYTES = 64 * 1024;

/** Throws `invalid_configuration`. `schemes` as in `redis:`. */
export function busAddress(url: string, schemes: readonly string[]): URL {
  const address = URL.canParse(url) ? new URL(url) : undefined;
  if (address !== undefined && schemes.includes(address.protocol) && address.hostname !== "") return address;
  const wanted = schemes.map((scheme) => `${scheme}//host:port`).join(" or ");
  throw new RuntimeError("invalid_configuration", `bus: the address must look like ${wanted}.`, { field: "bus" });
}

/** What is said of a bus that cannot be had; the address without its password. */
export function busUnavailable({ protocol, host }: URL, cause: unknown): RuntimeError {
  const why = cause instanceof Error && cause.message !== "" ? cause.message : String(cause);
  const message = `The bus at ${protocol}//${host} cannot be used: ${why}. Check its address, user and password.`;
  return new RuntimeError("unavailable", message, { cause, field: "bus" });
}

export function busNotOpen(): RuntimeError {
  return new RuntimeError("unavailable", "The bus is not connected.");
}

/** `name` with its version. */
export function missingBusClient(name: string, cause: unknown): RuntimeError {
  return new RuntimeError("missing_dependency", `This bus needs a package: npm install ${name}`, { cause });
}
