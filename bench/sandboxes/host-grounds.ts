import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DIALLER, FILE_BYTES, expectFile, runToEnd, timed, untilDialled, type Bare, type Command } from "./bare.ts";
import type { Ground } from "./grounds.ts";

const INSIDE = { node: "/opt/node", dialler: "/opt/dialler.mjs", sockets: "/run/host" };

export async function unsafeProcessGround(folder: string): Promise<Ground> {
  const sockets = await socketFolder(folder);
  const node = { program: process.execPath, args: [DIALLER] };
  return {
    place: { provider: "unsafe-process" },
    about: `node ${process.version}`,
    bare: [
      { step: "ready", name: "spawn: a node that dials", measure: () => untilDialled(node, sockets) },
      { step: "exec", name: "spawn: true", measure: () => timed(() => runToEnd({ program: "true", args: [] })) },
      ...bareFiles(folder),
    ],
    close: async () => undefined,
  };
}

export async function localGround(folder: string): Promise<Ground> {
  const sockets = await socketFolder(folder);
  const node = bubblewrap(
    ["--ro-bind", process.execPath, INSIDE.node, "--ro-bind", DIALLER, INSIDE.dialler],
    ["--ro-bind", sockets, INSIDE.sockets, "--setenv", "AGENT_RUNTIME_SOCKETS", INSIDE.sockets],
    ["--", INSIDE.node, INSIDE.dialler],
  );
  const nothing = bubblewrap(["--", "/usr/bin/true"]);
  const version = await runToEnd({ program: "bwrap", args: ["--version"] });
  return {
    place: { provider: "local" },
    about: version.toString().trim(),
    bare: [
      { step: "ready", name: "bubblewrap: a node that dials", measure: () => untilDialled(node, sockets) },
      { step: "exec", name: "bubblewrap, a new one: true", measure: () => timed(() => runToEnd(nothing)) },
      ...bareFiles(folder),
    ],
    close: async () => undefined,
  };
}

/** No more than it needs: namespaces, and the host's programs. */
function bubblewrap(...more: readonly (readonly string[])[]): Command {
  const system = ["/usr", "/bin", "/sbin", "/lib", "/lib64"].flatMap((path) => ["--ro-bind-try", path, path]);
  return {
    program: "bwrap",
    args: ["--unshare-all", ...system, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", ...more.flat()],
  };
}

async function socketFolder(folder: string): Promise<string> {
  const path = join(folder, "bare");
  await mkdir(path, { recursive: true });
  return path;
}

function bareFiles(folder: string): Bare[] {
  const path = join(folder, "file.bin");
  return [
    { step: "write", name: "node:fs", measure: () => timed(() => writeFile(path, FILE_BYTES)) },
    { step: "read", name: "node:fs", measure: () => timed(async () => expectFile(await readFile(path))) },
  ];
}
