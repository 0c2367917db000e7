import { ClientError } from "./client-error.ts";

/** A workspace's path as an address has it. Throws `invalid_request` where the address would lead to something else. */
export function filePath(path: string): string {
  const names = path.split("/");
  if (names.some((name) => name === "" || name === "." || name === ".."))
    throw new ClientError("invalid_request", "path: must not contain empty, . or .. parts", { field: "path" });
  return names.map(encodeURIComponent).join("/");
}
