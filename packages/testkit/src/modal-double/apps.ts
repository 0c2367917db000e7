import { Status } from "nice-grpc";
import { makeId } from "./ids.ts";
import { type ControlHandlers, refuse } from "./sdk.ts";

const CREATE_IF_MISSING = 1;

export class Apps {
  readonly #ids = new Map<string, string>();

  /** Throws NOT_FOUND. */
  idOf(name: string): string {
    const id = this.#ids.get(name);
    if (id === undefined) throw refuse(Status.NOT_FOUND, `App '${name}' not found`);
    return id;
  }

  nameOf(appId: string): string {
    for (const [name, id] of this.#ids) if (id === appId) return name;
    throw refuse(Status.NOT_FOUND, `App '${appId}' not found`);
  }

  getOrCreate(name: string, create: boolean): string {
    if (!this.#ids.has(name) && create) this.#ids.set(name, makeId("ap"));
    return this.idOf(name);
  }

  names(): string[] {
    return [...this.#ids.keys()];
  }
}

export function appHandlers(apps: Apps): ControlHandlers {
  return {
    async appGetOrCreate({ appName = "", environmentName = "", objectCreationType }) {
      const appId = apps.getOrCreate(appName, Number(objectCreationType) === CREATE_IF_MISSING);
      return { appId, handleMetadata: { appId, environmentName, description: appName } };
    },
    async environmentGetOrCreate({ deploymentName = "" }) {
      const name = deploymentName === "" ? "main" : deploymentName;
      return { environmentId: `en-${name}`, metadata: { name, settings: { imageBuilderVersion: "2025.06" } } };
    },
  };
}
