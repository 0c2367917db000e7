import { join } from "node:path";
import type { EffectiveLimits } from "../../effective-limits.ts";

/**
 * Joins the groups, then becomes the command: whatever the command starts is in them from the first. Shells put
 * variables of their own into an environment that was empty, and it must be empty.
 */
const JOIN = 'while [ "$1" != -- ]; do echo $$ >"$1" || exit 125; shift; done; shift; exec /usr/bin/env -i "$@"';

/** The command, in an empty environment, as a member of these control groups. */
export function joining(groups: readonly string[], command: readonly string[]): readonly string[] {
  if (groups.length === 0) return command;
  return ["/bin/sh", "-c", JOIN, "sh", ...groups.map((group) => join(group, "cgroup.procs")), "--", ...command];
}

/**
 * The shells' `ulimit` counts processes by `-u` or by `-p`. What is set is final: inside nobody may raise it. A limit
 * that cannot be set is one that the server itself has, and a stricter one.
 */
const BOUND = [
  "exec 3>&2 2>/dev/null",
  "ulimit -c 0",
  'ulimit -n "$1"',
  'ulimit -f "$2"',
  'ulimit -u "$3" || ulimit -p "$3"',
  '[ "$4" = - ] || ulimit -d "$4"',
  "exec 2>&3 3>&-",
  'shift 4; exec "$@"',
].join("; ");

const FILE_BLOCK_BYTES = 512;
const DATA_BLOCK_BYTES = 1024;
/** JavaScript engines take this much and more as data without ever using it. */
const NEVER_USED_BYTES = 1024 * 1024 * 1024;

/**
 * The command with the limits that a process carries. Runs inside, in the sandbox's own user namespace: there the
 * number of processes counts this sandbox's alone, and not all of the server's user. `memory`: bound that too, of
 * each process; its data and not its addresses, of which Node takes more than there is memory.
 */
export function bounded(
  limits: EffectiveLimits,
  { memory, command }: { readonly memory: boolean; readonly command: readonly string[] },
): readonly string[] {
  const numbers = [
    limits.openFiles,
    Math.ceil(limits.fileBytes / FILE_BLOCK_BYTES),
    limits.processes,
    memory ? Math.ceil((limits.memoryBytes + NEVER_USED_BYTES) / DATA_BLOCK_BYTES) : "-",
  ];
  return ["/bin/sh", "-c", BOUND, "sh", ...numbers.map(String), ...command];
}
