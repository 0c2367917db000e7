import { Status } from "nice-grpc";
import { makeId } from "./ids.ts";
import { type ControlHandlers, type SecretSources, refuse } from "./sdk.ts";

export type Variables = Readonly<Record<string, string>>;

export class Secrets {
  readonly #values = new Map<string, Variables>();

  create(values: Variables): string {
    const id = makeId("st");
    this.#values.set(id, values);
    return id;
  }

  get(id: string): Variables {
    const values = this.#values.get(id);
    if (values === undefined) throw refuse(Status.NOT_FOUND, `Secret '${id}' not found`);
    return values;
  }

  /** Environment variables; what comes later wins. */
  merge(ids: readonly string[], sources: SecretSources = []): Variables {
    const parts = ids.map((id) => this.get(id));
    for (const { secretId, env } of sources) {
      if (secretId !== undefined && secretId !== "") parts.push(this.get(secretId));
      if (env?.contents !== undefined) parts.push(env.contents as Variables);
    }
    return Object.assign({}, ...parts) as Variables;
  }
}

/** Only secrets that come with their values: named ones are made on Modal's pages. */
export function secretHandlers(secrets: Secrets): ControlHandlers {
  return {
    async secretGetOrCreate({ deploymentName = "", envDict = {} }) {
      if (deploymentName !== "") throw refuse(Status.NOT_FOUND, `Secret '${deploymentName}' not found`);
      return { secretId: secrets.create(envDict as Variables) };
    },
  };
}
