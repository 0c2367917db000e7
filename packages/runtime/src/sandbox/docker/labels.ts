import { createHash } from "node:crypto";
import { z } from "zod";
import type { SandboxTags } from "../port.ts";

/** What a container carries, so that it is found by what it is and for whom. */
export interface ContainerLabels {
  readonly key: string;
  readonly tags: SandboxTags;
  /** Folder of this host with the server's sockets. */
  readonly sockets: string;
  /** The server's data directory: servers that share an engine leave each other's sandboxes alone. */
  readonly dataDir: string;
  /** What its folders may hold together, in bytes. */
  readonly diskBytes: number;
}

/** Each label's name, with where it stands in `ContainerLabels`. */
const NAMES = {
  key: "agent-runtime.key",
  sockets: "agent-runtime.sockets",
  dataDir: "agent-runtime.data-dir",
  deployment: "agent-runtime.deployment",
  tenant: "agent-runtime.tenant",
  session: "agent-runtime.session",
  generation: "agent-runtime.generation",
  diskBytes: "agent-runtime.disk-bytes",
} as const;

const Labels = z.record(z.string(), z.string());

export function labelsOf({ key, tags, sockets, dataDir, diskBytes }: ContainerLabels): Record<string, string> {
  const values = { key, sockets, dataDir, ...tags, diskBytes: String(diskBytes) };
  return Object.fromEntries(Object.entries(NAMES).map(([name, label]) => [label, values[name as keyof typeof NAMES]]));
}

/** null: not a sandbox of ours. */
export function readLabels(labels: unknown): ContainerLabels | null {
  const given = Labels.safeParse(labels).data ?? {};
  if (Object.values(NAMES).some((label) => given[label] === undefined)) return null;
  const of = (name: keyof typeof NAMES): string => given[NAMES[name]] ?? "";
  return {
    key: of("key"),
    sockets: of("sockets"),
    dataDir: of("dataDir"),
    diskBytes: Number(of("diskBytes")),
    tags: {
      deployment: of("deployment"),
      tenant: of("tenant"),
      session: of("session"),
      generation: of("generation"),
    },
  };
}

/** What the engine is asked for to find the sandboxes of a deployment. */
export function labelFilter(dataDir: string, deployment: string): readonly string[] {
  return [`${NAMES.dataDir}=${dataDir}`, `${NAMES.deployment}=${deployment}`];
}

/** The container's name holds the key, for people; the rest keeps servers apart that share an engine. */
export function containerName(dataDir: string, deployment: string, key: string): string {
  const whose = createHash("sha256").update(`${dataDir}\0${deployment}`).digest("hex").slice(0, 8);
  return `agent-${whose}-${key}`;
}
