import { createHash } from "node:crypto";
import { readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { readProc } from "./host-process.ts";

/**
 * Where this process can reach what others have started: this machine until its next start, and this user, whose folders
 * are nobody else's to read. Servers with the same place can attach to each other's sandboxes. `processes`: only where
 * they see each other's processes too, which servers in containers do not.
 */
export function hostPlace({ processes }: { readonly processes: boolean }): string {
  const boot = readProc("sys/kernel/random/boot_id")?.trim() ?? hostname();
  const sees = [boot, processes ? processNamespace() : "", String(process.getuid?.() ?? "")];
  return createHash("sha256").update(sees.join("\n")).digest("hex").slice(0, 16);
}

/** A container has one of its own; "" where there is no such thing. */
function processNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}
