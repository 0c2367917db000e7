import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A mounted hierarchy of control groups. */
export interface CgroupMount {
  readonly version: 1 | 2;
  /** Of version 1: its controllers. */
  readonly controllers: readonly string[];
  /** Folders from this process's own group up to the top of what can be seen. */
  readonly ancestry: readonly string[];
}

/** The hierarchies that this process sees; `proc` is `/proc/self`. */
export function cgroupMounts(proc = "/proc/self"): readonly CgroupMount[] {
  const own = lines(join(proc, "cgroup")).map((line) => {
    const [, controllers = "", ...path] = line.split(":");
    return { controllers: controllers.split(","), path: path.join(":") };
  });
  return lines(join(proc, "mountinfo")).flatMap((line) => {
    const mount = parseMount(line);
    if (mount === null) return [];
    const mine = own.find(({ controllers }) =>
      mount.version === 2 ? controllers[0] === "" : mount.controllers.some((one) => controllers.includes(one)),
    );
    return mine === undefined ? [] : [{ ...mount, ancestry: ancestry(mount, mine.path) }];
  });
}

interface Mount extends Pick<CgroupMount, "version" | "controllers"> {
  /** Which part of the hierarchy is mounted, and where. */
  readonly root: string;
  readonly point: string;
}

/** A line of `mountinfo` is: id, parent, device, root, mount point, options, fields, `-`, type, source, options of the type. */
function parseMount(line: string): Mount | null {
  const [before = "", after = ""] = line.split(" - ");
  const [, , , root, point] = before.split(" ");
  const [type, , options = ""] = after.split(" ");
  if (root === undefined || point === undefined) return null;
  if (type === "cgroup2") return { version: 2, controllers: [], root, point: unescape(point) };
  return type === "cgroup" ? { version: 1, controllers: options.split(","), root, point: unescape(point) } : null;
}

function ancestry({ root, point }: Mount, own: string): readonly string[] {
  const inside = root === "/" ? own : own === root || own.startsWith(`${root}/`) ? own.slice(root.length) : "/";
  const names = inside.split("/").filter((name) => name !== "" && name !== "..");
  return names.map((_, index) => join(point, ...names.slice(0, names.length - index))).concat(point);
}

/** Spaces and the like are written in octal. */
function unescape(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCodePoint(Number.parseInt(octal, 8)));
}

function lines(path: string): readonly string[] {
  try {
    return readFileSync(path, "utf8").split("\n").filter(Boolean);
  } catch {
    return [];
  }
}
