import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type * as ModalSdk from "modal";
import { z } from "zod";
import type { SandboxSpec } from "../port.ts";
import type { ModalConnection } from "./client.ts";
import { environmentCommands } from "./environment-layer.ts";
import { INSIDE } from "./inside/paths.ts";
import { programPath, putFile } from "./programs.ts";
import { explainModalError } from "./remedy.ts";

const TELL_EVERY_MS = 1000;

type Wanted = Pick<SandboxSpec, "runner" | "install">;

interface Layer {
  readonly commands: readonly string[];
  readonly label: string;
  /** What fails in it is the profile's. */
  readonly installs: boolean;
}

const Manifest = z.object({
  name: z.string().regex(/^[@A-Za-z0-9][A-Za-z0-9._/-]*$/),
  version: z.string().regex(/^[A-Za-z0-9.+-]+$/),
  optionalDependencies: z.record(z.string(), z.string()).optional(),
});

/**
 * The layers over the base image, each cached by Modal for the same commands over the same layer: harness, what the
 * profile wants, our programs. All that a sandbox needs is in its image, so that creating one is a single request.
 */
export async function imageLayers({ runner, install }: Wanted): Promise<readonly Layer[]> {
  const packages = await harnessPackages(runner.packages);
  return [
    {
      label: "Installing the agent",
      installs: false,
      commands: [
        `RUN mkdir -p ${INSIDE.runtime}`,
        ...(packages.length === 0
          ? []
          : [`RUN npm install --prefix ${INSIDE.runtime} --no-save --no-audit --no-fund ${packages.join(" ")}`]),
      ],
    },
    ...(install === undefined
      ? []
      : [{ label: "Installing what the profile wants", installs: true, commands: await environmentCommands(install) }]),
    {
      label: "Adding the runner",
      installs: false,
      commands: [
        ...(await putFile(runner.bundle, INSIDE.runner)),
        ...(await putFile(programPath("modal-boot.mjs"), INSIDE.boot)),
        ...(await putFile(programPath("modal-bridge.mjs"), INSIDE.bridge)),
        ...(await putFile(programPath("exec-supervisor.mjs"), INSIDE.execSupervisor)),
      ],
    },
  ];
}

/**
 * Names and versions as they are on this host. What another of them brings as an optional dependency is left to npm: it
 * is a binary for one platform, and the cloud's may be another one.
 */
async function harnessPackages(folders: Readonly<Record<string, string>>): Promise<string[]> {
  const manifests = await Promise.all(
    Object.values(folders).map(async (folder) =>
      Manifest.parse(JSON.parse(await readFile(join(folder, "package.json"), "utf8"))),
    ),
  );
  const brought = new Set(manifests.flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies)));
  return manifests.filter(({ name }) => !brought.has(name)).map(({ name, version }) => `${name}@${version}`);
}

export interface ImageBuild {
  readonly connection: ModalConnection;
  readonly app: ModalSdk.App;
  readonly base: string;
  readonly onProgress: (message: string) => void;
}

/** The image, built where Modal has it not. Throws `environment_failed` for the profile's layer, with the tool's last lines. */
export async function buildImage(layers: readonly Layer[], build: ImageBuild): Promise<ModalSdk.Image> {
  const { connection, app, base, onProgress } = build;
  let image = connection.client.images.fromRegistry(base);
  for (const layer of layers) {
    onProgress(layer.label);
    image = await buildLayer(image.dockerfileCommands([...layer.commands]), layer, build);
  }
  return image.build(app);
}

async function buildLayer(image: ModalSdk.Image, layer: Layer, build: ImageBuild): Promise<ModalSdk.Image> {
  const { connection, app, onProgress } = build;
  let told = performance.now();
  return connection.buildLogs.follow(
    (line) => {
      // Each becomes a status that is kept.
      if (!layer.installs || performance.now() - told < TELL_EVERY_MS) return;
      told = performance.now();
      onProgress(`${layer.label}: ${line}`.slice(0, 300));
    },
    async (tail) => {
      try {
        return await image.build(app);
      } catch (error) {
        const said = error instanceof Error ? error.message : String(error);
        if (!said.startsWith("Image build for")) throw explainModalError(error);
        const lines = tail.length === 0 ? said : `${said.split("\n")[0] ?? ""}. It said last:\n${tail.join("\n")}`;
        throw new RuntimeError(
          layer.installs ? "environment_failed" : "sandbox_unavailable",
          `${layer.label} failed on Modal. ${lines}`,
          { cause: error },
        );
      }
    },
  );
}
